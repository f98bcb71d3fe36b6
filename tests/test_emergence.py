import pytest

from study.contracts import StudyError
from study.emergence import MOST_WORDS, Emergence

TASKS = ["similarity/wordsim", "similarity/bank", "polysemy/bank", "probing/noun_or_verb"]


def emergence(**changed):
    return Emergence(**{"moments": 2, "first": 1_000, "tasks": ["similarity"]} | changed)


def test_moments_lie_evenly_on_a_logarithmic_scale_after_one_before_training():
    counts = emergence().counts()
    assert counts[:6] == (0, 1_000, 3_162, 10_000, 31_623, 100_000)
    assert counts[-1] >= MOST_WORDS
    assert emergence(moments=3, first=10).counts()[:5] == (0, 10, 22, 46, 100)


def test_moments_so_near_that_they_have_the_same_words_are_one():
    counts = emergence(moments=10, first=1).counts()
    assert counts[:4] == (0, 1, 2, 3)
    assert len(set(counts)) == len(counts)


def test_without_moments_there_are_none():
    assert emergence(moments=0).counts() == ()
    assert emergence(moments=0, tasks=["missing"]).chosen(TASKS) == []


@pytest.mark.parametrize("changed", [{"moments": -1}, {"first": 0}])
def test_moments_that_cannot_be_counted_are_refused(changed):
    with pytest.raises(StudyError, match="at least"):
        emergence(**changed).counts()


def test_tasks_are_chosen_by_name_by_family_and_by_both():
    assert emergence(tasks=["bank", "probing"]).chosen(TASKS) == ["similarity/bank", "polysemy/bank", "probing/noun_or_verb"]
    assert emergence(tasks=["polysemy/bank"]).chosen(TASKS) == ["polysemy/bank"]


@pytest.mark.parametrize(("tasks", "message"), [(["geometry"], "no task or family 'geometry'"), ([], "it names no task")])
def test_a_task_that_the_study_has_not_is_refused(tasks, message):
    with pytest.raises(StudyError, match=rf"emergence\.tasks: {message}.*expected some of similarity/wordsim"):
        emergence(tasks=tasks).chosen(TASKS)

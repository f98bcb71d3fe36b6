"""Reports: a pure function of a run's folder.

``write`` makes the report of one run, ``compare`` one comparison of many; ``python -m study.report FOLDER...`` does both.
"""

from study.report.page import compare, write

__all__ = ["compare", "write"]

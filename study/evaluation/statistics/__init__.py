"""What scores are worth: metrics, intervals, headline views, comparisons, sources of variance."""

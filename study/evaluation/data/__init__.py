"""Reading the data of tasks: task files, their formats, and the words of the corpus under them."""

"""The course: chapters with numbers of the reader's own sentence, on screens, as a page, as a notebook."""

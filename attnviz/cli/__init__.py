"""The command line: options → source → trace → renderer. No maths and no drawing here."""

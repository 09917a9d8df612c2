"""The panels of the help, under which options stand together."""

FROM_TEXT, TOY, RULE, SHOW, OUTPUT = "Where the text comes from", "Toy attention", "The rule", "What is shown", "Output"
MODEL = "A real model"
WORKERS = "Who measures many texts"
WRITE = "What is written"
MEANT = "What was meant"

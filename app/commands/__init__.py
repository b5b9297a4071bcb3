"""The verbs of the command line, one module a part of the job."""

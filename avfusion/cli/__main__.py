"""Run the command line as ``python -m avfusion.cli``."""

from avfusion.cli import main

if __name__ == "__main__":
    main()

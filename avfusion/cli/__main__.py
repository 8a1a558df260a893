"""Run the command line as ``python -m avfusion.cli``."""

from avfusion.cli._app import main

if __name__ == "__main__":
    main()

"""`python -m monitor`: the command `mbm`."""

from monitor.cli import main

if __name__ == "__main__":
    main()

"""`python -m evalhub` is `evalhub`."""

from evalhub.cli import main

if __name__ == "__main__":
    main()

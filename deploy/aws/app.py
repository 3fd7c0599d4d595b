"""River's stack for `cdk deploy` in this folder."""

import sys

try:
    from riverd_aws.app import main
except ModuleNotFoundError as missing:
    sys.exit(
        f"river: {missing.name} is not installed here: activate the environment that River is "
        "installed in (`source ../../.venv/bin/activate` after `make setup`)"
    )

if __name__ == "__main__":
    main()

"""An AWS on loopback: moto's services, and a CloudFormation that is strict where moto's is not."""

"""ModelArts on loopback: IAM, training of both generations, models and services; knows nothing of the client."""

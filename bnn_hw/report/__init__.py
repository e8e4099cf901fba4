"""What a person reads: the HTML page of a verification, the model cards, evaluations."""

"""Files of trained models, as they ship; docs/models says what each was made of."""

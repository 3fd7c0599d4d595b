"""The broker over Redis or Valkey."""

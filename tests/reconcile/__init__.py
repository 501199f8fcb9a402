"""The thinking: pure, so every test is values in, values out."""

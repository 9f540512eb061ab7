"""Headstart's logic, without Streamlit (see `core.ui`) and without TensorFlow (see `core.ml`)."""

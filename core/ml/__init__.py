"""The only place that imports TensorFlow and Keras; it runs in worker processes, never in the server."""

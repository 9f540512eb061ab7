"""The only place in `core` that imports Streamlit: typed state, shared page pieces, small components."""

import numpy as np
import plotly.graph_objects as go

from core.ui.live_chart import num_points


def test_points_of_all_traces_are_counted():
    figure = go.Figure()
    figure.add_scatter(x=np.arange(3), y=np.zeros(3))
    figure.add_scatter(y=[1.0, 2.0])
    figure.add_scatter(x=[], y=[])
    assert num_points(figure) == 5


def test_figure_without_traces_has_no_points():
    assert num_points(go.Figure()) == 0

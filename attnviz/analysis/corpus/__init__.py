"""What heads do over many texts: states that grow with the number of heads, not of texts, are merged, and are saved as files."""

from attnviz.analysis.corpus.heads import HasHeads, Head, Value, value_of
from attnviz.analysis.corpus.measured_text import MeasuredText
from attnviz.analysis.corpus.running import Running
from attnviz.analysis.corpus.state import Region
from attnviz.analysis.corpus.statistics import Statistics

__all__ = ["HasHeads", "Head", "MeasuredText", "Region", "Running", "Statistics", "Value", "value_of"]

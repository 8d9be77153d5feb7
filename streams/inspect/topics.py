"""Topics as inputs and outputs of a replay: `kafka:TOPIC` in, `kafka` out.

What is read is fixed when the replay begins, partition by partition: a topic grows
meanwhile. What is written stands in Kafka transactions, each of which also says how
many lines there are by then: so a replay that goes on after an interruption writes
no line twice, for whoever reads committed records.
"""

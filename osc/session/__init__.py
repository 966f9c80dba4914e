"""Datagrams in time: scheduled, recorded, replayed.

clocks     Clocks of senders: how far they are ahead, by the time tags of their bundles
recording  Recorded sessions: datagrams with their times of arrival, replayed to the last bit
session    The session of a receiver: datagrams parsed, scheduled, routed, published
timeline   A recorded session as values over time, for an offline render: the same bits each time
"""

"""Datagrams in time: scheduled, recorded, replayed.

clocks     How far the clocks of senders are ahead, by the time tags of their bundles
recording  Recorded sessions: datagrams with their times of arrival, replayed to the last bit
session    What becomes of a datagram: parsed, scheduled, routed, published
timeline   A recorded session as values over time, for an offline render: the same bits each time
"""

// The configuration of statsd (0.9.0 or later) for perfkit: statsd contrib/graphite/statsd.js
{
  port: 8125,
  mgmt_port: 8126,
  graphiteHost: "127.0.0.1",
  graphitePort: 2003,
  backends: ["./backends/graphite"],

  // The finest step of storage-schemas.conf is the same 10 s.
  flushInterval: 10000,

  // Of a timer, three series instead of fourteen. Sums and counts have counters of their own, which are exact.
  percentThreshold: [95, 99],
  calculatedTimerMetrics: ["median", "upper_percent"],

  // What had no traffic is not sent: no writes for idle routes, and a host that is gone leaves no line behind.
  // A count that is absent is 0 everywhere: in storage-aggregation.conf and in the dashboards.
  deleteIdleStats: true,

  // Counters as stats.counters.<name>.count; the old names keep rates under stats.<name>, which cannot be summed.
  graphite: { legacyNamespace: false },

  // Names are cleaned by perfkit before they are sent; this is for what other programs send.
  keyNameSanitize: true,
}

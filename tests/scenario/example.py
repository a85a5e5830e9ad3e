"""A small scenario that is right, as text."""

EXAMPLE = """\
# yaml-language-server: $schema=scenario.schema.json
name: Example
currency: JPY
calendar: {start: 2027-04, months: 3, timezone: Asia/Tokyo, holidays: JP, interval: 30 min}
monte_carlo: {replications: 20, seed: 7}
accounts:
  enterprise:
    opening: 60
    new_per_month: [1, 2, 3]
    mrr: {lognormal: {mean: 900_000, cv: 0.6}}
    churn_per_month: {uncertain: {triangular: [0.3%, 0.5%, 1.0%], factor: market}}
    contacts_per_month: {phone: 4.0}
  small:
    opening: 100
    churn_per_month: {uncertain: {triangular: [0.5%, 1%, 3%], factor: market}}
    contacts_per_month: {phone: 1}
support:
  queues:
    phone:
      hours: &office {mon-fri: "09:00-18:00"}
      arrivals: {from: accounts, intraday: data/profile.csv, day_cv: 0.12}
      patience: {weibull: {mean: 3 min, shape: 1.2}}
      talk: {lognormal: {mean: {uncertain: {triangular: [4 min, 5 min, 7 min]}}, cv: 0.8}}
      after_call: {exponential: 90 s}
      escalation: {to: tier2, probability: 12%}
      targets: {service_level: 80% in 20 s, abandonment: 5%}
    tier2:
      hours: *office
      talk: {triangular: [5 min, 10 min, 20 min]}
  groups:
    front: {headcount: 24, serves: [phone], shrinkage: 30%, salary_per_year: 4_200_000, hires: {2027-05: 2}}
    back: {headcount: 5, serves: {tier2: 1}}
success:
  activities:
    qbr: default
    review: {catalogue: usage_review, segments: {enterprise: 40%}}
  teams:
    csm: {segments: [enterprise, small], headcount: 7, customer_time: 70%}
  targets: {on_time: {qbr: 90%}}
hiring:
  time_to_hire: {uncertain: {triangular: [1 month, 2 months, 4 months]}}
  ramp: [50%, 75%, 100%]
variants:
  squeeze: {support.groups.front.headcount: 20}
  patient:
    support.queues.phone.patience.mean: 5 min
placeholders:
  support.queues.phone.talk: fit it to your call log
"""

PROFILE = "time,weight\n09:00,1.0\n12:00,0.6\n13:00,1.2\n"


def line_of(text: str, after: str = "") -> int:
    """The line of the example that holds ``text`` (the first one after the text ``after``)."""
    return EXAMPLE[: EXAMPLE.index(text, EXAMPLE.index(after))].count("\n") + 1

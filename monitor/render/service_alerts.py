"""Alerts on the service itself: what keeps it from seeing models."""

from datetime import timedelta
from typing import Final

from monitor.render.alert import Alert, Scope, Severity, counted

_MINUTES: Final = {n: timedelta(minutes=n) for n in (5, 10, 15)}
_CONSUMED: Final = "mbm_events_consumed_total"
_QUARANTINED: Final = "mbm_events_quarantined_total"
_WITHOUT_CARD: Final = 'mbm_events_quarantined_total{reason="unknown_model"}'

ABSENT = Alert(
    name="MbmAbsent",
    scope=Scope.SERVICE,
    severity=Severity.CRITICAL,
    when='label_replace(absent(mbm_build_info), "part", "serve", "", "")\n'
    'or label_replace(absent(mbm_consumer_lag_seconds), "part", "ingest", "", "")\n'
    'or label_replace(absent(sum(mbm_job_interval_seconds{job_name="evaluate"})), '
    '"part", "evaluate", "", "")\n'
    'or label_replace(absent(mbm_scheduler_leader), "part", "schedule", "", "")',
    lasts=_MINUTES[5],
    summary="mbm {{ $labels.part }} cannot be seen",
    description="For 5 minutes Prometheus has had nothing from `mbm {{ $labels.part }}`: it does "
    "not run, cannot be reached, or has not started its work. Models are not watched meanwhile.",
    meaning="One part of the service shows Prometheus nothing. Without ingest no event is stored, "
    "without evaluate no result is made, without schedule nobody is told by the service itself and "
    "the log grows, without serve nobody sees a result; alerts on models then say nothing, "
    "whatever the models do.",
    look=(
        "On the host: does `mbm run` (or the part alone) run, and what does its log say last?",
        "In Prometheus under Status, Targets: is the part's address right and reachable?",
        "`mbm check` tells mistakes of the settings and the cards.",
    ),
    causes=(
        "The process ended, and its supervisor waits longer and longer before it starts it again.",
        "A mistake in the settings or the cards: the part ends with code 2 at once.",
        "Another process holds the part's address: it ends with code 3, which `mbm run` does too.",
        "Ingest cannot reach Kafka, or evaluate its state; both say so in their log.",
        (
            "The address in `serve.listen` or `metrics` of ingest, evaluate or schedule changed, "
            "or a network rule keeps Prometheus out."
        ),
    ),
    remedy=(
        (
            "Mend what the log names, and start the part. Nothing is lost: ingest goes on where "
            "the log ends, evaluate makes up for what it missed."
        ),
        "If only the scrape fails, mend the address in Prometheus.",
    ),
    silence="For planned work, with its end as the silence's end. If a part never runs as a "
    'service here (`mbm evaluate --once` from cron), silence `part="evaluate"` for good and '
    "watch the job instead.",
)

STALE = Alert(
    name="MbmResultsStale",
    scope=Scope.SERVICE,
    severity=Severity.CRITICAL,
    when="time() - max by (job_name) "
    '(mbm_job_last_success_timestamp_seconds{job_name="evaluate"})\n'
    '> 3 * max by (job_name) (mbm_job_interval_seconds{job_name="evaluate"})',
    lasts=_MINUTES[10],
    summary="No new results for {{ $value | humanizeDuration }}",
    description="Evaluation last ended well {{ $value | humanizeDuration }} ago, more than three "
    "times its interval. What the service shows of models is as old as that.",
    meaning="Evaluation has not ended well for three intervals. Results, incidents and alerts on "
    "models stand still; events are still stored.",
    look=(
        "The log of `mbm evaluate`: does it fail, or does one run take long?",
        '`mbm_job_runs_total{job_name="evaluate"}`: do runs end, and how?',
        "`mbm status` tells how far evaluation is.",
    ),
    causes=(
        (
            "A run takes longer than its interval: a long past to read after a start, a backfill, "
            "a new reference."
        ),
        "Every run fails: the log's store or the state cannot be reached, or the disk is full.",
        (
            "One model fails and is named in the log; the others are evaluated, yet the run counts "
            "as failed."
        ),
    ),
    remedy=(
        "Mend what the log names; the next run makes up for everything.",
        (
            "If runs are merely long, let the first one end; then give `evaluate.every` more time, "
            "or the process more memory (`evaluate.memory`)."
        ),
    ),
    silence="While a first long run or a backfill goes on, for as long as it should take. Not "
    "until further notice: while it is silent no model is watched.",
)

FAILING = Alert(
    name="MbmJobFailing",
    scope=Scope.SERVICE,
    severity=Severity.WARNING,
    when='sum by (job_name) (increase(mbm_job_runs_total{outcome="failure"}[1d])) > 0\n'
    "unless on (job_name)\n"
    "  time() - max by (job_name) (mbm_job_last_success_timestamp_seconds)\n"
    "  < 3 * max by (job_name) (mbm_job_interval_seconds)",
    lasts=_MINUTES[5],
    summary="Job {{ $labels.job_name }} keeps failing",
    description='Job {{ $labels.job_name }} failed {{ $value | printf "%.0f" }} times within a '
    "day and has not ended well for three of its intervals.",
    meaning="A job of the service fails again and again. A single failure is nothing: the next "
    "run does all that there is to do.",
    look=(
        "The logs of `mbm evaluate` and `mbm schedule` name the error of every run that failed.",
        "`mbm status` shows the last runs.",
    ),
    causes=(
        "The store of the log or the state cannot be reached or written.",
        "A card names a reference that is not there any more.",
        "maintain: the disk is full, or another program holds the log.",
        "reports: the weekly report of a model cannot be made; the log names the model and why.",
    ),
    remedy=("Mend what the log names. Nothing needs to be made up for by hand.",),
    silence='By `job_name`, while its cause is being mended; never `job_name=~".+"`.',
)

LAG = Alert(
    name="MbmConsumerLagHigh",
    scope=Scope.SERVICE,
    severity=Severity.CRITICAL,
    when="max by (source) (mbm_consumer_lag_seconds) > 900\n"
    ">= max by (source) (mbm_consumer_lag_seconds offset 15m)",
    lasts=_MINUTES[15],
    summary="Source {{ $labels.source }} is {{ $value | humanizeDuration }} behind",
    description="The newest event stored from source {{ $labels.source }} is "
    "{{ $value | humanizeDuration }} old while others wait, and it is not catching up.",
    meaning="Events come faster than they are stored, or storing them has stopped. What the "
    "service says of models is late by as much.",
    look=(
        "The log of `mbm ingest`: errors, or batches that take long?",
        "`mbm_event_processing_duration_seconds`: how long a batch takes.",
        "`mbm_consumer_lag_records` by partition: all of them, or one?",
    ),
    causes=(
        (
            "Storing fails: the store cannot be reached, the disk is full, or another program "
            "holds the log."
        ),
        "More events than before: a new model, a replay, a sender that repeats itself.",
        "One partition has a gap that Kafka has removed; ingest names it and waits for a decision.",
    ),
    remedy=(
        "Mend what the log names.",
        "Start `mbm ingest` once more with the same group: members share the partitions.",
        "Install the quicker client (`fast`), or let `ingest.batch` hold more rows.",
    ),
    silence="By `source`, for a planned replay, until it should be through. While it lags, silent "
    "models cannot be told from late events.",
)

QUARANTINE = Alert(
    name="MbmQuarantineRising",
    scope=Scope.SERVICE,
    severity=Severity.WARNING,
    when=f"{counted(_QUARANTINED, 'source', '1h')}\n"
    f"/ {counted(_CONSUMED, 'source', '1h')}\n"
    "> 0.01\n"
    "unless on (source)\n"
    f"  {counted(_QUARANTINED, 'source', '1h')}\n"
    f"  / {counted(_CONSUMED, 'source', '1h')}\n"
    f"  <= 3 * sum by (source) (increase({_QUARANTINED}[1d] offset 1h))\n"
    f"  / sum by (source) (increase({_CONSUMED}[1d] offset 1h))\n"
    f"and on (source) {counted(_QUARANTINED, 'source', '1h')} >= 5",
    lasts=_MINUTES[15],
    summary="{{ $value | humanizePercentage }} of the messages of {{ $labels.source }} cannot be "
    "understood",
    description="In the last hour {{ $value | humanizePercentage }} of the messages of source "
    "{{ $labels.source }} went to quarantine, more than three times the share of the day before.",
    meaning="More messages than usual cannot be understood. They are kept, counted in nothing, "
    "and can be read again; until then numbers of models rest on the others alone.",
    look=(
        "`mbm quarantine list --limit 20`: the reasons, and the messages.",
        "`mbm_events_quarantined_total` by reason: which one rises?",
    ),
    causes=(
        "A sender has changed its messages: a key renamed, a time without a zone.",
        "A new model sends before its card is there: `unknown_model`.",
        "Something else writes to the topic.",
    ),
    remedy=(
        (
            "If the messages are right, change the card or its `events.mapping`; `mbm quarantine "
            "replay` then reads them again, and their windows are restated."
        ),
        "If they are wrong, tell who sends them; the reason says what is missing.",
    ),
    silence="By `source`, until the sender has mended it. What comes meanwhile is kept for "
    "`retention.quarantine` of the card.",
)

STUCK = Alert(
    name="MbmWatermarkStuck",
    scope=Scope.SERVICE,
    severity=Severity.CRITICAL,
    when="time() - max by (model, kind) (mbm_watermark_timestamp_seconds)\n"
    "> max by (model, kind) (mbm_watermark_usual_age_seconds) + 1800\n"
    "unless on (model, kind)\n"
    "  max by (model, kind) (mbm_watermark_timestamp_seconds)\n"
    "  > max by (model, kind) (mbm_watermark_timestamp_seconds offset 30m)",
    lasts=_MINUTES[10],
    summary="Windows of {{ $labels.model }} do not close",
    description="Windows of {{ $labels.model }} are closed up to {{ $value | humanizeDuration }} "
    "ago, half an hour more than usual, and for half an hour nothing has moved.",
    meaning="Time stands still for a model: its windows wait for a source that tells nothing. "
    "Results are right and get older; nothing new is found.",
    look=(
        "`mbm status`: which source and partition is behind?",
        "Does ingest run (MbmAbsent), and does it keep up (MbmConsumerLagHigh)?",
        "Does evaluate end well (MbmResultsStale)?",
    ),
    causes=(
        (
            "Ingest is dead or does not read one of the partitions: an old heartbeat holds all "
            "windows open, so that no window closes half full."
        ),
        "A partition or a source is gone from the settings while its heartbeat is still there.",
        "Evaluation of this model fails; the log names it.",
    ),
    remedy=(
        "Start what is not running; windows close by themselves, in order.",
        (
            "If a source was taken out, start ingest once with the new settings: it forgets the "
            "partitions that are gone."
        ),
    ),
    silence="By `model`, for a stream that is meant to pause, until it goes on.",
)

INCOMPLETE = Alert(
    name="MbmIncompleteWindow",
    scope=Scope.SERVICE,
    severity=Severity.WARNING,
    when="min by (model, version) (mbm_completeness_ratio) < 0.95",
    lasts=_MINUTES[15],
    summary="{{ $labels.model }} {{ $labels.version }}: only {{ $value | humanizePercentage }} of "
    "the messages count",
    description="Of the messages of the last published window of {{ $labels.model }} version "
    "{{ $labels.version }}, {{ $value | humanizePercentage }} could be understood; the rest is in "
    "quarantine.",
    meaning="A published window lacks more than one in twenty of its messages. Its numbers rest "
    "on the others, which may not be like those that are missing.",
    look=(
        "`mbm quarantine list`: what is missing, and why?",
        "MbmQuarantineRising: is it still going on?",
    ),
    causes=("As of MbmQuarantineRising: a sender that has changed, a card that has not.",),
    remedy=(
        "Change the card or the mapping, then `mbm quarantine replay`: the windows are restated.",
    ),
    silence="By `model`, until the replay is done. Do not act on the numbers of such a window "
    "without looking at what is missing.",
)

SUPPRESSED = Alert(
    name="MbmSeriesSuppressed",
    scope=Scope.SERVICE,
    severity=Severity.INFO,
    when="sum by (reason) (increase(mbm_series_suppressed_total[1d])) > 0",
    summary="Some series are left out of Prometheus: {{ $labels.reason }}",
    description='{{ $value | printf "%.0f" }} series were left out within a day to bound their '
    "number ({{ $labels.reason }}). Results hold all of them.",
    meaning="There are more features or versions than series are shown for. Of features the "
    "greatest values are shown; nothing is missing in results and in what detection sees.",
    look=("`mbm results` holds every value.", "`serve.feature_series` says how many are shown."),
    causes=(
        "A model with many features.",
        "Callers write something that is no version into `version`.",
    ),
    remedy=(
        "Raise `serve.feature_series` if Prometheus can bear it.",
        "List the versions in the card; the others together are one.",
    ),
    silence="For good, by `reason`, once you know that you look at results for the rest.",
)

OWNER = Alert(
    name="MbmOwnerMissing",
    scope=Scope.SERVICE,
    severity=Severity.WARNING,
    when=f"{counted(_WITHOUT_CARD, 'source', '1h')} > 0",
    lasts=_MINUTES[5],
    summary="Source {{ $labels.source }} brings events of a model that nobody owns",
    description='{{ $value | printf "%.0f" }} messages of source {{ $labels.source }} within an '
    "hour name a model without a card. They are kept in quarantine, and nobody watches that model.",
    meaning="A model is in use that no card describes. Without a card it has no owner, and "
    "nobody would be told; so its events wait in quarantine instead of being watched in silence.",
    look=("`mbm quarantine list`: which model do they name, and what do they look like?",),
    causes=(
        "A new model went live before its card.",
        "The name is spelt unlike its card.",
        "The card has a mistake, so that the older cards are in force: `mbm check`.",
    ),
    remedy=(
        (
            "Find the owner and write the card: `mbm models init` makes a first one from sample "
            "events."
        ),
        "`mbm quarantine replay` reads what has come meanwhile.",
    ),
    silence="By `source`, for the days that an owner needs to write the card; a model that nobody "
    "will own should not be asked for decisions.",
)

LEADER = Alert(
    name="MbmSchedulerLeader",
    scope=Scope.SERVICE,
    severity=Severity.CRITICAL,
    when="sum(mbm_scheduler_leader) != 1",
    lasts=_MINUTES[5],
    summary='{{ $value | printf "%.0f" }} processes of mbm schedule lead',
    description='For 5 minutes {{ $value | printf "%.0f" }} processes of `mbm schedule` have led '
    "where one should. Without a leader nobody is told by the service itself, and the log is not "
    "kept in shape.",
    meaning="Of the processes `mbm schedule` that share a state exactly one runs the jobs: "
    "notices, reports, upkeep, slices. When it dies another leads within 15 seconds.",
    look=(
        "The log of `mbm schedule`: can the state be reached, and who says that it leads?",
        "`mbm status`: do maintain and notices still end well?",
    ),
    causes=(
        "None: the state cannot be reached or written.",
        "None: the clock of a host is far ahead, and its lease seems to last.",
        "Two: clocks of hosts differ by more than 15 seconds.",
        "Two: two services with states of their own are scraped together.",
    ),
    remedy=(
        "Mend what the log names; a leader comes by itself, and makes up for what was missed.",
        "Keep the hosts' clocks together (NTP). Slots of jobs are run once even if two lead.",
        "Services apart from each other need rules of their own, by a label that tells them apart.",
    ),
    silence="While the database is being worked on, with its end as the silence's end.",
)

NOTICES = Alert(
    name="MbmNotificationsFailing",
    scope=Scope.SERVICE,
    severity=Severity.CRITICAL,
    when='sum by (channel) (increase(mbm_notifications_total{outcome="failed"}[20m])) >= 3',
    lasts=_MINUTES[15],
    summary="People are not told of incidents on channel {{ $labels.channel }}",
    description="On channel {{ $labels.channel }} of the service's own notices, "
    '{{ $value | printf "%.0f" }} tries failed within 20 minutes. Notices wait and are tried '
    "again; until then who relies on the channel hears nothing.",
    meaning="Notices that the service itself sends (settings `notices`) do not get through. None "
    "is lost: each waits and is tried again at least every five minutes.",
    look=(
        "`mbm status`: how many wait on the channel, since when, and why the last try failed.",
        "The log of `mbm schedule` names each failure.",
    ),
    causes=(
        "The mail server or the receiver is down, or its address is wrong.",
        "A password or token was changed and the file or variable was not.",
        "The server refuses one of the recipients.",
        "The certificate is not trusted: `ca`.",
    ),
    remedy=(
        "Mend what the last try names; of settings only secrets are read anew without a restart.",
        "Until then look at the incidents themselves, above all at pages.",
    ),
    silence="By `channel`, while its server is being mended, and only if the owners hear of "
    "incidents in another way.",
)

REPORT = Alert(
    name="MbmReportNotSent",
    scope=Scope.SERVICE,
    severity=Severity.WARNING,
    when="max by (channel) (mbm_reports_waiting) > 0",
    lasts=timedelta(hours=6),
    summary="Weekly reports wait on channel {{ $labels.channel }}",
    description='For 6 hours {{ $value | printf "%.0f" }} weekly reports have been due on channel '
    "{{ $labels.channel }} and could not be sent.",
    meaning="Weekly reports or the digest of all models do not reach their readers. None is lost: "
    "each is written down and tried again at least every five minutes.",
    look=(
        "`mbm status`: how many notices wait on the channel, and why the last try failed.",
        "The log of `mbm schedule` names each failure.",
    ),
    causes=(
        "The mail server is down, its address is wrong, or its certificate is not trusted.",
        "A password was changed and the file or variable was not.",
        (
            "The server refuses a recipient: `report.to` of a card, the owner's mail, or "
            "`notices.digest.to`."
        ),
        "The server takes no mail of this size (a report has up to 100 kB, and its attachment).",
    ),
    remedy=(
        "Mend what the last try names; of settings only secrets are read anew without a restart.",
        (
            "Meanwhile `mbm report --model MODEL --week WEEK --out FILE.html`, or `--digest`, "
            "writes it to a file."
        ),
        (
            "A recipient who is gone for good stays in the report that was written down: ask "
            "whoever runs the mail server to take the mail, and correct the list for the next."
        ),
    ),
    silence="By `channel`, until the server is mended; incidents that wait on the same channel "
    "have an alert of their own, MbmNotificationsFailing.",
)

SERVICE_ALERTS: Final = (
    ABSENT,
    STALE,
    FAILING,
    LAG,
    QUARANTINE,
    STUCK,
    INCOMPLETE,
    SUPPRESSED,
    LEADER,
    NOTICES,
    REPORT,
    OWNER,
)
"""In the order in which people see them."""

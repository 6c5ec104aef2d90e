"""Which tests show that a case of ``attack_cases.json`` or ``hostile_cases.json`` is answered.

A value names tests: ``folder/file.py::test_name`` or a whole file, ``folder/file.py``. ``Later``
gives the reason why a case, or the rest of one, has no test yet.
``tests/security/test_attack_coverage.py`` checks that every case is here and every test exists.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ATTACKS", "HOSTILE", "Answers", "Later"]


class Later(NamedTuple):
    """Why there is no test yet."""

    reason: str


Answers = tuple[str | Later, ...]

# Every case with a request of its own runs through these, and through every mount.
_REQUESTS = (
    "unit/senders/florentin/test_signature.py::test_an_attack_has_the_outcome_of_the_table",
    "unit/senders/florentin/test_signature.py::test_an_attack_runs_a_handler_once_or_never",
    "conformance/test_mounts.py::test_a_mount_gives_each_attack_its_outcome",
    "conformance/test_mounts_under_servers.py",
    "security/test_attacks_over_http.py",
)
_SIGNATURES = "security/test_signature_attacks.py::test_"
_TIMES = "security/test_time_attacks.py::test_"
_REPLAYS = "security/test_replay_attacks.py::test_"
_EVENTS = "security/test_event_attacks.py::test_"
_HANDLERS = "security/test_handler_attacks.py::test_"
_LOGS = "security/test_log_attacks.py::test_"
_HTTP = "security/test_hostile_http.py::test_"
_BODIES = "security/test_hostile_bodies.py::test_"
_HEADERS = "security/test_hostile_headers.py::test_"
_SLOW = "security/test_slow_requests.py::test_"
_AROUND = "integration/asgi/test_middleware.py::test_"
_ASGI = "integration/asgi/test_asgi.py::test_"
_REDIS = "security/test_forgeries.py::test_"
_PROPERTIES = "unit/senders/florentin/test_signature_properties.py::test_"
_CONTENT = "unit/protocol/test_strict_json.py::test_"
_STORES = "conformance/test_stores.py::test_"
_LEAVING = "security/test_disconnects.py::test_"
_FORMS = "unit/protocol/test_header_forms.py::test_"
_ROUND_TRIPS = "integration/redis/test_round_trips.py::test_"
_MOUNT = "conformance/test_mounts.py::test_a_mount_gives_each_delivery_its_outcome"

_WORKERS = "integration/rq/test_worker.py::test_"
_DEAD = "integration/rq/test_dead_letters.py::test_"
_JOB_TIMES = "integration/rq/test_timeouts.py::test_"
_LATEST = "integration/rq/test_latest.py::test_"
_STOLEN = "security/test_rq.py::test_"
_JOBS = "integration/rq/test_job.py::test_"
_PROCESSES = "integration/rq/test_processes.py::test_"
_LOST = "integration/rq/test_sweeper.py::test_"
_CLI = "integration/cli/test_worker.py::test_"
_PARTS = "conformance/test_stores_queues.py::test_"
_KILLED = "faults/test_killed_at.py::test_"
_CHAOS = "faults/test_chaos.py"
_SERVERS = "conformance/test_mounts_under_servers.py"
_FLASK = "integration/flask/test_blueprint.py::test_"
_DJANGO = "integration/django/test_servers.py::test_"
_DJANGO_VIEW = "unit/django/test_views.py::test_"
_TENANTS = Later("one receiver serves one tenant; nothing looks a tenant up by path")
_METRICS = Later("there are no metrics or traces yet")

# By the number of a case; what stands behind its dot is an input of the same test.
ATTACKS: dict[str, Answers] = {
    **dict.fromkeys(
        [
            *("SIG-01", "SIG-04", "SIG-05", "SIG-07", "SIG-08", "SIG-09"),
            *("SIG-10", "SIG-11", "SIG-12", "SIG-13", "SIG-16", "SIG-20"),
            *("SIG-21", "SIG-35", "TIME-09", "TIME-11", "TIME-12", "JSON-01"),
            *("JSON-02", "JSON-03", "JSON-06", "JSON-10", "JSON-11"),
        ],
        _REQUESTS,
    ),
    "SIG-14": (*_REQUESTS, f"{_HEADERS}white_space_around_the_signature_is_no_part_of_it"),
    "SIG-17": (
        *_REQUESTS,
        f"{_BODIES}a_signature_in_a_trailer_is_none",
        f"{_BODIES}a_trailer_that_arrives_with_the_head_is_a_header_to_httptools_alone",
    ),
    "SIG-18": (*_REQUESTS, f"{_HEADERS}a_name_with_underscores_is_another_header"),
    "SIG-22": (f"{_SIGNATURES}no_usable_secret_is_refused_at_construction",),
    "SIG-24": (
        f"{_SIGNATURES}a_weak_or_damaged_secret_is_refused_by_the_receiver",
        f"{_SIGNATURES}the_scheme_alone_takes_a_short_secret",
    ),
    "SIG-26": (
        f"{_SIGNATURES}digests_are_compared_once_per_secret_whichever_matches",
        f"{_SIGNATURES}no_module_compares_digests_with_an_operator",
    ),
    "SIG-27": (*_REQUESTS, f"{_SIGNATURES}the_parser_is_not_called_for_a_forged_body"),
    "SIG-28": (
        f"{_REDIS}a_thousand_forgeries_with_ids_of_their_own_cause_no_command",
        f"{_REDIS}a_thousand_forgeries_through_asgi_cause_no_command",
    ),
    "SIG-29": (
        "conformance/test_mounts.py::test_a_mount_gives_each_attack_its_outcome",
        f"{_SIGNATURES}a_forgery_is_refused_by_verify",
        _SERVERS,
    ),
    "SIG-30": (
        f"{_SIGNATURES}no_parameter_could_switch_verification_off",
        f"{_SIGNATURES}no_environment_variable_could_switch_verification_off",
    ),
    "SIG-31": (f"{_SIGNATURES}what_was_signed_for_one_receiver_is_refused_by_another", _TENANTS),
    "SIG-32": (*_REQUESTS, f"{_HEADERS}a_giant_signature_is_refused_in_a_short_line"),
    "SIG-34": (
        f"{_PROPERTIES}a_million_generated_pairs_are_judged_as_by_the_oracle",
        f"{_PROPERTIES}thirty_thousand_generated_pairs_are_judged_as_by_the_oracle",
    ),
    "TIME-02": (
        *_REQUESTS,
        f"{_TIMES}the_signed_timestamp_decides_and_both_ends_are_inside",
    ),
    "TIME-03": (*_REQUESTS, f"{_TIMES}the_signed_timestamp_decides_and_both_ends_are_inside"),
    "TIME-04": (
        *_REQUESTS,
        f"{_TIMES}a_fresh_timestamp_header_makes_no_stale_delivery_fresh",
    ),
    "TIME-06": (*_REQUESTS, f"{_TIMES}no_timestamp_header_makes_a_fresh_delivery_stale"),
    "TIME-07": (*_REQUESTS, f"{_TIMES}no_timestamp_header_makes_a_fresh_delivery_stale"),
    "TIME-13": (f"{_TIMES}every_documented_retry_of_identical_bytes_gets_through",),
    "TIME-14": (
        *_REQUESTS,
        f"{_TIMES}a_replay_after_days_is_processed_once_where_the_window_is_widened",
    ),
    "TIME-15": (f"{_TIMES}a_store_that_forgets_inside_the_window_is_refused",),
    "TIME-16": (f"{_TIMES}a_replay_at_the_very_end_of_the_window_is_a_duplicate",),
    "TIME-17": (f"{_TIMES}a_wrong_clock_shows_in_the_outcome", _METRICS),
    "TIME-18": (f"{_TIMES}a_clock_that_steps_back_makes_no_replay_run",),
    "TIME-19": (f"{_WORKERS}a_delivery_is_run_however_long_it_has_waited",),
    "RPL-02": (
        *_REQUESTS,
        f"{_REPLAYS}a_captured_delivery_under_any_delivery_id_runs_nothing",
        "conformance/test_stores_identity.py",
    ),
    "RPL-04": (f"{_REPLAYS}two_genuine_bodies_under_one_delivery_id_both_run",),
    "RPL-05": (f"{_REPLAYS}a_forgery_does_not_poison_the_delivery_id_of_a_genuine_delivery",),
    "RPL-06": ("conformance/test_stores_races.py",),
    "RPL-07": (f"{_KILLED}a_web_process_that_is_killed_around_accepting_loses_nothing",),
    "RPL-08": (f"{_REPLAYS}a_failed_delivery_is_processed_when_it_is_retried",),
    "RPL-09": (
        f"{_STORES}a_lease_that_ended_is_taken_over",
        f"{_STORES}whoever_has_to_wait_is_told_how_long",
        _CHAOS,
    ),
    "RPL-10": (f"{_REPLAYS}a_lease_that_is_no_longer_than_a_handler_may_take_is_refused",),
    "RPL-11": (
        f"{_STORES}a_late_owner_changes_nothing_while_the_next_one_runs",
        f"{_STORES}a_late_owner_changes_nothing_once_the_next_one_is_done",
    ),
    "RPL-12": (
        f"{_REPLAYS}a_retry_that_was_stamped_anew_is_a_duplicate",
        f"{_REPLAYS}equal_data_at_another_time_under_another_id_is_another_event",
        "conformance/test_stores_identity.py",
    ),
    "RPL-13": (f"{_REPLAYS}genuine_events_with_equal_bytes_are_one_and_both_ids_are_logged",),
    "RPL-14": (f"{_LEAVING}a_handler_outlives_its_sender_and_the_retry_waits_for_it",),
    "RPL-15": (f"{_STORES}whoever_asks_twice_because_an_answer_was_lost_has_the_lease",),
    "RPL-17": (f"{_REPLAYS}the_same_body_counts_for_each_receiver_on_its_own", _TENANTS),
    "RPL-18": (f"{_REPLAYS}without_a_store_it_works_and_warns_once",),
    "RPL-19": (
        f"{_REPLAYS}a_storm_of_replays_asks_the_store_once_each",
        f"{_ROUND_TRIPS}a_duplicate_is_one_round_trip",
    ),
    "RPL-20": (f"{_REPLAYS}other_content_under_a_known_delivery_id_is_warned_about",),
    "JSON-04": (
        *_REQUESTS,
        f"{_CONTENT}the_deepest_nesting_that_is_allowed_is_read",
        f"{_CONTENT}a_megabyte_of_anything_is_refused_in_linear_time",
    ),
    "JSON-15": (*_REQUESTS, f"{_EVENTS}a_wide_body_takes_well_under_a_second"),
    "HTTP-01": (*_REQUESTS, f"{_HTTP}any_method_but_post_is_not_allowed"),
    "HTTP-02": (f"{_HTTP}a_declared_length_over_the_limit_is_refused_unread", _MOUNT),
    "HTTP-03": (f"{_HTTP}a_hundred_mebibytes_in_chunks_are_refused_after_one",),
    "HTTP-04": (
        _SERVERS,
        f"{_DJANGO}a_body_over_our_limit_is_too_large",
        f"{_FLASK}a_body_that_is_too_long_is_answered_by_the_receiver",
    ),
    "HTTP-05": (f"{_HTTP}a_sender_that_leaves_half_way_leaves_nothing_behind",),
    "HTTP-06": (f"{_HTTP}a_length_that_is_too_small_is_judged_by_what_it_covers",),
    "HTTP-07": (
        f"{_BODIES}a_body_whose_end_is_unclear_is_not_processed",
        f"{_BODIES}length_and_chunks_together_are_refused_or_judged_by_the_chunks",
        f"{_BODIES}a_length_with_no_chunks_behind_it_is_no_server_error",
    ),
    "HTTP-08": (
        f"{_BODIES}a_body_in_chunks_is_the_same_body",
        f"{_DJANGO}a_body_in_chunks_is_the_same_body",
        f"{_FLASK}a_body_in_chunks_is_a_body",
    ),
    "HTTP-09": (
        f"{_SLOW}a_body_that_trickles_is_answered_with_a_timeout",
        f"{_SLOW}a_body_that_never_comes_is_answered_with_a_timeout",
    ),
    "HTTP-10": (f"{_BODIES}a_packed_body_is_refused_and_never_unpacked", _MOUNT),
    "HTTP-11": (_MOUNT,),
    "HTTP-12": (f"{_HEADERS}a_refusal_may_come_before_or_after_the_wait_for_the_body",),
    "HTTP-13": (f"{_HEADERS}a_control_byte_in_the_delivery_id_makes_it_absent_or_the_request_bad",),
    "HTTP-14": (
        f"{_HEADERS}a_giant_header_counts_as_absent_or_as_another_value",
        f"{_HEADERS}five_hundred_headers_are_received",
    ),
    "HTTP-15": (f"{_HEADERS}an_odd_request_is_no_server_error",),
    "HTTP-16": (
        f"{_HTTP}nothing_behind_a_refused_body_becomes_a_request",
        f"{_SLOW}a_timeout_closes_the_connection_and_nothing_behind_it_is_a_request",
    ),
    "HTTP-17": (f"{_HTTP}a_sender_that_leaves_half_way_leaves_nothing_behind",),
    "HTTP-18": (
        f"{_HEADERS}all_forgeries_are_answered_alike",
        "unit/senders/florentin/test_signature.py::test_all_forgeries_are_answered_alike_to_the_byte",
    ),
    "EVT-02": (*_REQUESTS, f"{_EVENTS}a_header_that_names_another_event_is_malformed"),
    "EVT-04": (
        *_REQUESTS,
        f"{_EVENTS}an_event_that_is_no_name_is_malformed",
        f"{_EVENTS}a_name_is_never_trimmed_or_folded_into_a_typed_event",
    ),
    "EVT-05": (*_REQUESTS, f"{_EVENTS}fields_that_nobody_documented_are_kept"),
    "EVT-06": (
        *_REQUESTS,
        f"{_EVENTS}an_event_that_its_model_refuses_is_processed_once_the_model_is_fixed",
    ),
    "EVT-08": (
        f"{_HANDLERS}all_handlers_run_and_a_retry_runs_only_the_one_that_failed",
        f"{_WORKERS}a_retry_runs_only_what_has_not_finished",
    ),
    "EVT-09": (f"{_HANDLERS}whatever_a_handler_raises_is_a_failure_that_is_retried",),
    "EVT-10": (
        f"{_HANDLERS}a_coroutine_that_hangs_is_stopped_and_may_run_again",
        f"{_HANDLERS}a_thread_that_hangs_is_given_up_and_its_retries_take_no_other_thread",
        f"{_JOB_TIMES}a_handler_that_takes_too_long_is_stopped_and_run_again",
    ),
    "EVT-11": (f"{_DEAD}after_the_last_retry_a_delivery_is_dead_and_kept_with_its_body",),
    "EVT-12": (
        f"{_HANDLERS}a_handler_sees_nothing_of_what_another_did_to_the_event",
        f"{_HANDLERS}an_event_cannot_be_assigned_to",
    ),
    "EVT-13": (
        f"{_EVENTS}registering_a_handler_twice_is_refused",
        f"{_EVENTS}registering_for_an_event_that_does_not_exist_is_refused",
        f"{_EVENTS}registering_a_function_with_other_parameters_is_refused",
    ),
    "EVT-14": (
        f"{_EVENTS}events_come_in_the_order_they_arrive_in_with_their_own_timestamps",
        f"{_LATEST}an_older_event_than_the_newest_handled_is_superseded",
    ),
    "EVT-15": (f"{_EVENTS}addresses_in_the_data_are_neither_connected_to_nor_opened",),
    "EVT-16": (
        f"{_EVENTS}text_that_looks_like_code_stays_text",
        f"{_EVENTS}an_event_whose_name_looks_like_code_is_an_unknown_event",
    ),
    **dict.fromkeys(
        ["ADP-01", "ADP-02"], (f"{_DJANGO}a_delivery_needs_no_token_no_login_and_no_redirect",)
    ),
    "ADP-03": (
        f"{_DJANGO}a_body_that_was_read_before_is_there_or_the_log_says_why_not",
        f"{_DJANGO}a_body_that_django_has_kept_is_the_body",
    ),
    "ADP-04": (f"{_FLASK}a_body_that_the_program_consumed_is_unavailable_and_the_log_says_why",),
    "ADP-05": (f"{_FLASK}both_slash_forms_and_every_method_are_answered_by_the_receiver",),
    "ADP-06": (
        f"{_AROUND}a_body_that_a_middleware_read_is_unavailable_and_the_log_says_why",
        f"{_AROUND}a_body_that_a_middleware_drained_times_out_and_the_log_says_why",
    ),
    "ADP-07": (f"{_AROUND}a_body_that_a_middleware_wrote_anew_is_refused_with_a_hint",),
    "ADP-08": (
        f"{_ASGI}what_is_not_ours_reaches_the_program_as_it_came",
        f"{_ASGI}a_program_behind_the_middleware_streams_its_answer",
        f"{_ASGI}a_program_behind_the_middleware_gets_an_upload_piece_by_piece",
        f"{_ASGI}the_lifespan_of_the_program_goes_on_and_the_store_is_closed_at_its_end",
    ),
    "ADP-09": (
        f"{_AROUND}both_slash_forms_are_the_same_place",
        f"{_AROUND}no_other_spelling_of_the_path_is_the_place",
        f"{_AROUND}the_case_of_the_path_counts",
        f"{_AROUND}a_delivery_is_processed_wherever_the_receiver_is_mounted",
    ),
    "ADP-10": (_TENANTS,),
    "ADP-11": _REQUESTS,
    "ADP-12": (f"{_HANDLERS}plain_handlers_of_fifty_deliveries_do_not_hold_up_the_event_loop",),
    "ADP-13": (
        f"{_AROUND}an_answer_is_compressed_where_the_sender_asks_for_it",
        f"{_AROUND}what_proxies_add_changes_nothing",
    ),
    "LOG-01": (
        f"{_LOGS}a_header_writes_no_line_of_its_own",
        f"{_HEADERS}a_control_byte_in_a_header_writes_no_line_of_its_own",
        f"{_HEADERS}a_path_writes_no_line_of_its_own",
    ),
    "LOG-02": (
        f"{_LOGS}the_text_of_a_handlers_exception_is_not_written_above_debug",
        f"{_LOGS}the_text_of_a_handlers_exception_is_escaped_at_debug",
    ),
    "LOG-03": (
        f"{_LOGS}nothing_spells_the_secret_or_a_piece_of_it",
        f"{_SIGNATURES}what_holds_a_secret_cannot_be_pickled",
        f"{_SIGNATURES}the_refusal_of_a_secret_does_not_quote_it",
    ),
    "LOG-04": (
        f"{_LOGS}no_local_variable_of_a_refused_verification_holds_a_secret",
        f"{_LOGS}no_local_variable_around_a_handler_holds_a_secret",
        f"{_DJANGO_VIEW}the_error_page_of_another_view_shows_no_secret",
        f"{_DJANGO_VIEW}the_error_page_of_wrong_settings_shows_no_secret",
    ),
    "LOG-05": (f"{_LOGS}the_right_signature_is_nowhere_to_be_found",),
    "LOG-06": (
        f"{_LOGS}other_headers_are_not_written_at_any_level",
        f"{_HEADERS}other_headers_of_a_request_are_not_logged",
    ),
    "LOG-07": (
        f"{_LOGS}what_a_record_carries_besides_its_text_is_documented",
        _METRICS,
    ),
    "RQ-01": (
        f"{_STOLEN}a_pickled_job_fails_and_is_not_unpickled",
        f"{_STOLEN}maintenance_unpickles_nothing",
    ),
    "RQ-02": (
        f"{_STOLEN}a_job_that_names_another_function_is_refused_and_said_to_be_critical",
        f"{_STOLEN}a_job_that_names_callbacks_and_webhooks_has_none_called",
    ),
    "RQ-03": (f"{_DEAD}a_body_that_was_changed_in_redis_is_not_run",),
    "RQ-04": (
        f"{_STOLEN}of_an_exception_only_its_type_reaches_rq_and_the_log",
        f"{_PROCESSES}every_worker_brings_every_delivery_to_its_end_and_leaks_nothing",
    ),
    "RQ-05": (
        f"{_WORKERS}a_duplicate_of_a_queued_delivery_adds_no_job",
        f"{_JOBS}threads_that_accept_the_same_delivery_push_it_once",
    ),
    "RQ-06": (f"{_WORKERS}a_duplicate_of_a_queued_delivery_adds_no_job",),
    "RQ-07": (f"{_KILLED}work_horses_that_are_killed_have_each_effect_once",),
    "RQ-08": (_CHAOS,),
    "RQ-09": (
        f"{_LOST}a_lost_job_is_put_back_with_all_its_retries",
        f"{_KILLED}a_job_that_rq_has_half_moved_is_put_back",
    ),
    "RQ-10": (f"{_CLI}the_running_event_is_finished_before_a_worker_ends",),
    "RQ-11": (_CHAOS, f"{_CLI}workers_do_not_outlive_a_supervisor_that_is_killed"),
    "RQ-12": ("faults/test_outages.py",),
    "RQ-13": ("unit/rq/test_queue.py::test_retries_are_whole_seconds_and_at_least_one",),
    "RQ-14": (
        f"{_DEAD}a_worker_that_lacks_the_receivers_module_leaves_the_delivery_to_others",
        f"{_DEAD}a_handler_that_is_gone_keeps_the_delivery_from_being_done",
    ),
    "RQ-15": (Later("registries use each host's clock: documented; our leases use the server's"),),
}

_OTHER_SCHEME = Later("another scheme: Florentin signs in hex, one signature, no signed timestamp")
_UNIT = "unit/senders/florentin/test_signature.py::test_an_attack_has_the_outcome_of_the_table"

HOSTILE: dict[str, Answers] = {
    "sig-non-ascii": (_UNIT, "unit/senders/florentin/test_signature_properties.py"),
    "sig-not-split": (_OTHER_SCHEME,),
    "sig-bad-base64": (_OTHER_SCHEME,),
    "sig-base64-junk": (_OTHER_SCHEME,),
    "sig-uppercase-hex": (
        f"{_REPLAYS}a_captured_delivery_with_its_signature_in_upper_case_is_a_duplicate",
    ),
    # The header is no evidence here, so it cannot make a delivery stale: attacks.md, TIME-07.
    "ts-huge": (f"{_TIMES}no_timestamp_header_makes_a_fresh_delivery_stale",),
    "ts-word": (f"{_TIMES}no_timestamp_header_makes_a_fresh_delivery_stale",),
    "ts-noncanonical": (
        f"{_TIMES}no_timestamp_header_makes_a_fresh_delivery_stale",
        f"{_TIMES}what_is_no_rfc_3339_instant_is_malformed",
    ),
    "ts-future": (f"{_TIMES}the_signed_timestamp_decides_and_both_ends_are_inside",),
    "ts-ancient-signed": (f"{_TIMES}the_signed_timestamp_decides_and_both_ends_are_inside",),
    "ts-unsigned-refreshed": (
        f"{_REPLAYS}a_captured_delivery_with_a_fresh_timestamp_header_is_a_duplicate",
        f"{_TIMES}a_fresh_timestamp_header_makes_no_stale_delivery_fresh",
    ),
    "delivery-id-changed": (f"{_REPLAYS}a_captured_delivery_under_any_delivery_id_runs_nothing",),
    "delivery-id-missing": (
        f"{_REPLAYS}a_captured_delivery_without_its_delivery_id_is_a_duplicate",
    ),
    "delivery-id-preclaimed": (
        f"{_REPLAYS}a_forgery_does_not_poison_the_delivery_id_of_a_genuine_delivery",
    ),
    "event-header-forged": (f"{_EVENTS}a_header_that_names_another_event_is_malformed",),
    "body-not-utf8": (_UNIT, "unit/protocol/test_strict_json.py"),
    "body-deep-json": (
        _UNIT,
        f"{_CONTENT}a_megabyte_of_anything_is_refused_in_linear_time",
    ),
    "body-json-array": (_UNIT, "unit/protocol/test_strict_json.py"),
    "body-nan": (
        _UNIT,
        f"{_CONTENT}the_decoder_takes_what_json_takes_but_for_its_own_rules",
    ),
    "body-lone-surrogate": (
        _UNIT,
        f"{_CONTENT}the_decoder_takes_what_json_takes_but_for_its_own_rules",
    ),
    "content-type-charset": (_MOUNT,),
    "header-case": (f"{_FORMS}a_delivery_is_received_whatever_its_headers_are_held_in",),
    "missing-headers": (_MOUNT,),
    "chunked-no-length": (f"{_HTTP}a_hundred_mebibytes_in_chunks_are_refused_after_one",),
    "content-length-lies": (
        f"{_HTTP}a_length_that_is_too_small_is_judged_by_what_it_covers",
        f"{_HTTP}a_sender_that_leaves_half_way_leaves_nothing_behind",
    ),
    "downgrade": (_UNIT,),
    "empty-secret": (f"{_SIGNATURES}no_usable_secret_is_refused_at_construction",),
    "handler-fails-then-retry": (f"{_REPLAYS}a_failed_delivery_is_processed_when_it_is_retried",),
    "worker-dies-after-claim": (
        f"{_STORES}a_lease_that_ended_is_taken_over",
        f"{_PARTS}a_part_whose_lease_has_ended_is_taken_over_and_its_owner_counts_no_more",
    ),
    "store-down": (_MOUNT, f"{_TIMES}every_documented_retry_of_identical_bytes_gets_through"),
}

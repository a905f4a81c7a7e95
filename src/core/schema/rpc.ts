/**
 * Parameters of the RPC methods that are ours alone (the protocol package has the others). All closed: an unknown
 * property is an error, as everywhere on the wire.
 */
import { Type, type Static, type TSchema } from 'typebox';

const closed = <T extends Record<string, TSchema>>(properties: T) => Type.Object(properties, { additionalProperties: false });
const text = Type.String({ minLength: 1, maxLength: 512 });

/** What `runs.list` filters by. `queued` is accepted and not begun. */
export const RUN_FILTERS = ['queued', 'running', 'ok', 'error', 'aborted', 'merged', 'dropped'] as const;

export const RunsListParams = closed({
  sessionKey: Type.Optional(text),
  state: Type.Optional(Type.Union(RUN_FILTERS.map((name) => Type.Literal(name)))),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
  offset: Type.Optional(Type.Integer({ minimum: 0 })),
});
export type RunsListParams = Static<typeof RunsListParams>;

export const RunsGetParams = closed({
  runId: text,
  sessionKey: Type.Optional(text),
});
export type RunsGetParams = Static<typeof RunsGetParams>;

export const ModelsStatusParams = closed({});
export type ModelsStatusParams = Static<typeof ModelsStatusParams>;

export const ModelsTestParams = closed({
  /** `provider/model`; the default model when absent. */
  model: Type.Optional(text),
});
export type ModelsTestParams = Static<typeof ModelsTestParams>;

export const DoctorChecksParams = closed({
  /** Also checks that take time or cost something, such as a call to the model. */
  deep: Type.Optional(Type.Boolean()),
});
export type DoctorChecksParams = Static<typeof DoctorChecksParams>;

/** The protocol package has no schemas for these two; the peer takes exactly this. */
export const HealthParams = closed({ probe: Type.Optional(Type.Boolean()) });
export type HealthParams = Static<typeof HealthParams>;
export const StatusParams = closed({ includeChannelSummary: Type.Optional(Type.Boolean()) });
export type StatusParams = Static<typeof StatusParams>;

/** Without a limit, the newest 200; `offset` goes on from there. */
const page = { limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })), offset: Type.Optional(Type.Integer({ minimum: 0 })) };
export const ExecApprovalListParams = closed(page);
export const ExecApprovalWaitParams = closed({
  id: text,
  /** Without it, as long as it takes. */
  timeoutMs: Type.Optional(Type.Integer({ minimum: 0 })),
});
export const ApprovalsListParams = closed({
  /** Also those that are no longer open. */
  all: Type.Optional(Type.Boolean()),
  ...page,
});
export const ApprovalsDenyParams = closed({
  id: text,
  /** The model reads it. */
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000 })),
});
export const ApprovalsGrantsParams = closed({});
export const ApprovalsRevokeParams = closed({ id: text });

export const NoticesListParams = closed({});
export type NoticesListParams = Static<typeof NoticesListParams>;

export const NoticesDismissParams = closed({ key: text });
export type NoticesDismissParams = Static<typeof NoticesDismissParams>;

export const SessionsRecoverParams = closed({
  key: text,
  /** Also a session that is well. */
  force: Type.Optional(Type.Boolean()),
});
export type SessionsRecoverParams = Static<typeof SessionsRecoverParams>;

export const SessionsGetParams = closed({ key: text });

export const SessionsExportParams = closed({
  key: text,
  /** Rows after this seq; all when absent. */
  after: Type.Optional(Type.Integer({ minimum: 0 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
});

export const ChannelsListParams = closed({});

export const DeliveryListParams = closed({
  /** Also those that were sent or put away. */
  all: Type.Optional(Type.Boolean()),
  channel: Type.Optional(text),
  accountId: Type.Optional(text),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
});
const whichDelivery = {
  id: Type.Optional(text),
  /** Every failed or held one. */
  all: Type.Optional(Type.Boolean()),
  channel: Type.Optional(text),
};
export const DeliveryRetryParams = closed(whichDelivery);
export const DeliveryDiscardParams = closed(whichDelivery);

const date = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' });

/** The peer's, which its protocol package has no schema for. Days are UTC ones unless `mode` says otherwise. */
export const UsageCostParams = closed({
  days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_660 })),
  startDate: Type.Optional(date),
  endDate: Type.Optional(date),
  range: Type.Optional(Type.Union(['7d', '30d', '90d', '1y', 'all'].map((name) => Type.Literal(name)))),
  mode: Type.Optional(Type.Union(['utc', 'gateway', 'specific'].map((name) => Type.Literal(name)))),
  timeZone: Type.Optional(text),
  utcOffset: Type.Optional(Type.String({ pattern: '^UTC[+-]\\d{1,2}(?::[0-5]\\d)?$' })),
  agentId: Type.Optional(text),
  agentScope: Type.Optional(Type.Literal('all')),
});
export type UsageCostParams = Static<typeof UsageCostParams>;

/** Days of the owner's time zone. */
export const UsageSummaryParams = closed({ days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_660 })) });
export type UsageSummaryParams = Static<typeof UsageSummaryParams>;

export const BudgetsListParams = closed({});
export type BudgetsListParams = Static<typeof BudgetsListParams>;

export const BudgetsAnswerParams = closed({
  id: text,
  answer: Type.Union([Type.Literal('raise'), Type.Literal('once'), Type.Literal('stop')]),
  /** By how much `raise` raises; the configured limit when absent. */
  tokens: Type.Optional(Type.Integer({ minimum: 1 })),
  usd: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
});
export type BudgetsAnswerParams = Static<typeof BudgetsAnswerParams>;

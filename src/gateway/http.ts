/**
 * The HTTP side: health, readiness, the page, and errors as JSON.
 * Invariants: a request whose Host or Origin is not ours is answered 403 before any route sees it; every answer bears
 * the security headers; no page holds a script.
 */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import type { GatewayDeps } from './deps.js';
import { hostAllowed, originAllowed, type HostRules } from './hosts.js';
import { page, STYLE } from './page.js';

const HEADERS = {
  'content-security-policy': "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

/** Paths and the methods they take; anything else on them is a 405. */
const GET_ONLY: ReadonlySet<string> = new Set(['/', '/style.css', '/health', '/healthz', '/ready', '/readyz']);

export function addHttp(app: FastifyInstance, deps: GatewayDeps, rules: () => HostRules): void {
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(HEADERS);
    if (!hostAllowed(request.headers.host, rules())) {
      return fail(reply, 403, 'HOST_NOT_ALLOWED', 'this host name is not served; add it to gateway.allowedHosts');
    }
    // A WebSocket's Origin is judged at its connect, where the client can be told why.
    const { origin, upgrade } = request.headers;
    if (origin !== undefined && upgrade === undefined && !originAllowed(origin, rules())) {
      return fail(reply, 403, 'ORIGIN_NOT_ALLOWED', 'this origin is not served; add its host to gateway.allowedHosts');
    }
    return undefined;
  });

  for (const url of ['/healthz', '/health']) app.get(url, () => ({ ok: true, status: 'live' }));
  for (const url of ['/readyz', '/ready']) {
    app.get(url, (_request, reply) => {
      const report = deps.health();
      return reply.code(report.ready ? 200 : 503).send({ ready: report.ready, failing: report.failing, uptimeMs: Math.max(0, Date.now() - deps.startedAt) });
    });
  }
  app.get('/style.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(STYLE));

  app.setNotFoundHandler((request, reply) => {
    if (GET_ONLY.has(pathOf(request))) {
      return fail(reply.header('allow', 'GET, HEAD'), 405, 'METHOD_NOT_ALLOWED', `${request.method} is not allowed here`);
    }
    return fail(reply, 404, 'NOT_FOUND', 'there is nothing at this path');
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status === 413) return fail(reply, 413, 'BODY_TOO_LARGE', 'the request body is too large');
    if (status >= 400 && status < 500) return fail(reply, status, 'BAD_REQUEST', 'the request could not be read');
    deps.log.error({ method: request.method, path: pathOf(request), error: error.message, stack: error.stack }, 'an HTTP request failed unexpectedly');
    return fail(reply, 500, 'INTERNAL', 'the request failed inside the gateway; its log has the reason');
  });
}

export const sendPage = (deps: Pick<GatewayDeps, 'version' | 'webUrl'>, session: string) => (_request: FastifyRequest, reply: FastifyReply) =>
  reply.type('text/html; charset=utf-8').send(page(deps.version, deps.webUrl(session)));

const fail = (reply: FastifyReply, status: number, code: string, message: string) => reply.code(status).send({ error: { code, message } });

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0]!;

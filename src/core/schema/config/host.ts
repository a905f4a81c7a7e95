/** Config of models, tools, gateway, engine and logs. See {@link file://./kit.ts} for the rules. */
import { Type } from 'typebox';
import { DEFAULT_NAMESPACE, GATEWAY_PORT } from '../../names.js';
import { decimal, flag, group, lazySecret, oneOf, opt, port, secret, table, text, texts, whole } from './kit.js';
import { media } from './media.js';

const model = Type.Object({
  id: text('The model\'s id at its provider.', { minLength: 1 }),
  name: opt(text('Name shown to people.')),
  reasoning: opt(Type.Boolean({ description: 'It can think before it answers.' })),
  input: opt(Type.Array(Type.String(), { description: 'What it reads: `text`, `image`.' })),
  contextWindow: opt(whole('Tokens of input and output together.', { minimum: 1 })),
  maxTokens: opt(whole('Most tokens of one answer.', { minimum: 1 })),
  cost: opt(
    Type.Object(
      {
        input: decimal('Input.', { default: 0 }),
        output: decimal('Output.', { default: 0 }),
        cacheRead: opt(decimal('Cached input; as input unless set.')),
        cacheWrite: opt(decimal('Input written to the cache; as input unless set.')),
      },
      { description: 'US dollars per million tokens.' },
    ),
  ),
});

const provider = Type.Object({
  baseUrl: opt(text('Address of its API.')),
  apiKey: opt(lazySecret('Its key. `${VAR}` is read when the provider is used.')),
  apiKeyFile: opt(text('A file of mode 0600 that holds the key. A leading ~ is the home.')),
  api: opt(text('Its wire format: `openai-completions` or `anthropic-messages`.')),
  headers: opt(Type.Record(Type.String(), lazySecret('Value.'), { description: 'Headers sent with each request.' })),
  models: Type.Array(model, { default: [], description: 'Its models, beside those known anyway.' }),
});

export const models = group('Model providers.', {
  providers: table(provider, 'Providers by name: built-in ones (anthropic, openai, gemini, deepseek, openrouter, ollama) and your own.'),
});

export const tools = group('What the agent can do on this machine.', {
  exec: group('Running commands.', {
    mode: oneOf(['deny', 'allowlist', 'ask', 'full'], '`deny`: none; `allowlist`: simple commands of the list; `ask`: those at once, the owner is asked about any other; `full`: any command.', { default: 'ask' }),
    allow: texts('Programs allowed beside the built-in list (echo pwd ls cat head tail wc date grep sleep).'),
    timeoutSeconds: whole('Time limit of a command, seconds.', { default: 1_800, minimum: 1 }),
  }),
  fs: group('File tools.', { roots: texts('Folders outside the workspace that file tools may use.') }),
  media,
  web: group('The web.', {
    search: group('`web_search`; absent until one of the two is set up.', {
      enabled: flag('Offer the tool.', true),
      provider: opt(oneOf(['brave', 'searxng'], 'Which service. Found out from the keys below unless set.', { 'x-lenient': true })),
      apiKey: opt(secret('Brave key.')),
      baseUrl: opt(text('Address of a SearXNG server.')),
    }),
    fetch: group('`web_fetch`.', {
      enabled: flag('Offer the tool.', true),
      maxBytes: whole('Most bytes of a page that are read.', { default: 5 * 1024 * 1024, minimum: 1_024 }),
      timeoutSeconds: whole('Time limit, seconds.', { default: 30, minimum: 1 }),
    }),
  }),
});

export const gateway = group('The door for clients.', {
  mode: oneOf(['local'], 'The gateway runs on this machine.', { default: 'local' }),
  port: port('Its port, HTTP and WebSocket.', { default: GATEWAY_PORT }),
  bind: oneOf(['loopback'], 'Only loopback is allowed; use a tunnel for other machines.', { default: 'loopback' }),
  auth: group('Who may connect.', {
    mode: oneOf(['token'], 'Clients show a token.', { default: 'token' }),
    token: opt(secret('The token. Without it one is made on the first start, in the file `gateway-token`.')),
    cloudflareAccess: opt(
      Type.Object(
        { teamDomain: opt(text('`<team>.cloudflareaccess.com`')), audience: opt(text('The application\'s AUD tag.')) },
        { description: 'Accept users that Cloudflare Access has signed in.', 'x-later': true },
      ),
    ),
  }),
  allowedHosts: texts('Host names, beside loopback, that a request may be addressed to (a tunnel\'s name).'),
});

export const temporal = group('The engine.', {
  address: opt(text('host:port of a Temporal server of your own; without it one is started beside the gateway.')),
  namespace: text('Its namespace.', { default: DEFAULT_NAMESPACE, minLength: 1 }),
  port: opt(port('gRPC port of the server started beside the gateway; 7233 or a free one unless set.')),
  uiPort: opt(port('Port of its Web UI; 8233 or a free one unless set.')),
  uiUrl: opt(text('Address of the Web UI that links point to.')),
  retentionDays: whole('Days the history of finished workflows is kept.', { default: 30, minimum: 1 }),
  synchronous: oneOf(['full', 'normal'], '`full` keeps an acknowledged message through a power cut; `normal` is faster.', { default: 'full' }),
});

export const logging = group('Logs.', {
  level: oneOf(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'], 'Least important lines that are written.', { default: 'info' }),
});

/**
 * Where a provider's key comes from.
 * Invariant: every message names the key's source, never the key.
 */
import { type Key, readKeyFile, readSecret } from '../../storage/config/secret.js';
import type { ModelProviderConfig } from './config.js';

export { type Key, readSecret };

/**
 * @param vars variables that hold the key when the config has none, best first
 */
export function findKey(provider: string, config: ModelProviderConfig | undefined, vars: readonly string[], env: NodeJS.ProcessEnv): Key {
  if (config?.apiKey !== undefined && config.apiKey !== '') return readSecret(config.apiKey, env, `models.providers.${provider}.apiKey`);
  if (config?.apiKeyFile !== undefined) return readKeyFile(config.apiKeyFile);
  for (const name of vars) {
    const value = env[name]?.trim();
    if (value) return { ok: true, value, source: name };
  }
  return { ok: false, problem: `no key: set ${vars[0] ?? 'an environment variable'} or models.providers.${provider}.apiKey` };
}

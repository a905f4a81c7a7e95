/** `models.list` (the peer's), `models.status` and `models.test` (ours). No key ever leaves through them. */
import { validateModelsListParams } from '@openclaw/gateway-protocol';

import { ModelsStatusParams, ModelsTestParams } from '../../core/schema/rpc.js';
import { validator } from '../validate.js';
import { method } from './method.js';

export const modelsList = method({
  name: 'models.list',
  scope: 'operator.read',
  params: validateModelsListParams,
  async handler(_params, { deps }) {
    const models = await deps.models.list();
    return {
      models: models.map((model) => ({
        id: model.id,
        name: model.name,
        provider: model.provider,
        available: model.available,
        ...(model.unavailableReason === undefined ? {} : { unavailableReason: model.unavailableReason }),
        ...(model.contextWindow === undefined ? {} : { contextWindow: model.contextWindow }),
        ...(model.reasoning === undefined ? {} : { reasoning: model.reasoning }),
        ...(model.input === undefined ? {} : { input: model.input }),
        ...(model.tags === undefined ? {} : { tags: model.tags }),
      })),
    };
  },
});

export const modelsStatus = method({
  name: 'models.status',
  scope: 'operator.read',
  params: validator(ModelsStatusParams),
  handler: (_params, { deps }) => deps.models.status(),
});

export const modelsTest = method({
  name: 'models.test',
  // It costs tokens.
  scope: 'operator.write',
  params: validator(ModelsTestParams),
  async handler(params, { deps }) {
    const results = await deps.models.test(params.model);
    return { ok: results.every((result) => result.ok), results };
  },
});

export const modelMethods = [modelsList, modelsStatus, modelsTest];

using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Generation;

/// <summary>
/// What is fixed when a model is opened: the KV pool and the largest step. Refuses what does not fit before anything is allocated.
/// </summary>
internal sealed record EnginePlan(KvLayout Kv, StepSizes Sizes, int Context, int SequenceLimit)
{
    private const int MaxTokens = 512;
    private const int DefaultContext = 4096;

    /// <summary>Pages that the pool hands out: all but the scrap page.</summary>
    public int PoolPages => (int)(Kv.Slots / Kv.Page) - 1;

    /// <param name="model">Configuration and weights.</param>
    /// <param name="device">For messages.</param>
    /// <param name="capabilities">The device's.</param>
    /// <param name="options">What the user asked for.</param>
    /// <param name="holds">Whether the device holds a KV cache of a type.</param>
    /// <exception cref="UserErrorException">The device cannot do what is asked, or has too little memory for it.</exception>
    public static EnginePlan Choose(
        IModelSource model, string device, Capabilities capabilities, EngineOptions options, Func<ElementType, bool> holds)
    {
        Qwen3Config config = model.Config;
        int context = options.Context ?? Math.Min(config.ContextLimit, DefaultContext);
        if (context < 1)
        {
            throw new UserErrorException($"a context of {context} tokens holds no prompt; take one of 1 or more (-c)");
        }

        if (options.MaxSequences is < 1 or > MaxTokens)
        {
            throw new UserErrorException($"{options.MaxSequences} texts at once is not possible; take 1 to {MaxTokens}");
        }

        int limit = Math.Min(context, config.ContextLimit);
        long page = capabilities.PageSize;
        long pages = ((long)context + page - 1) / page;
        if ((pages + 1) * page > int.MaxValue)
        {
            throw new UserErrorException($"a context of {context} tokens is beyond what 32-bit slots can number; take a smaller one (-c)");
        }

        KvLayout kv = new(KvTypes.Choose(config, device, options, holds), (pages + 1) * page, page, (limit + page - 1) / page);
        StepSizes sizes = Fit(model, device, capabilities, options, kv, limit);
        return new EnginePlan(kv, sizes, context, limit);
    }

    /// <summary>The largest step, at most 512 tokens, with which all fits.</summary>
    private static StepSizes Fit(
        IModelSource model, string device, Capabilities capabilities, EngineOptions options, KvLayout kv, int limit)
    {
        MemoryEstimate memory = new(model, capabilities, options.Precision, kv);
        int least = Math.Min(options.MaxSequences, (int)(kv.Page * kv.Pages));
        for (int tokens = Math.Min(MaxTokens, Math.Max(limit, least)); ; tokens /= 2)
        {
            tokens = Math.Max(tokens, least);
            int rows = options.AllRows ? tokens : options.MaxSequences;
            StepSizes sizes = new(tokens, options.MaxSequences, rows, (int)kv.Page, (int)kv.Pages, capabilities.RoundsBindings);
            Int128 needed = memory.Total(sizes.Maxima);
            if (capabilities.MemoryBytes == 0 || needed <= capabilities.MemoryBytes)
            {
                return sizes;
            }

            if (tokens == least)
            {
                throw new UserErrorException(
                    $"{model.Name} needs {needed} bytes on {device} (weights {memory.Weights}, KV cache {memory.KvCache} for {kv.Slots} "
                    + $"entries of {kv.Type.Name()}), but the device has {capabilities.MemoryBytes}; "
                    + "take a smaller context (-c), a smaller cache type (--kv) or a smaller model");
            }
        }
    }
}

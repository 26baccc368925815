using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Generation;

/// <summary>
/// Device bytes that a model takes. Activations are those of one layer with kernels for whole attention; a device that gets
/// attention decomposed needs more, and its allocator then says so. Held as 128-bit, so that no size overflows.
/// </summary>
internal sealed class MemoryEstimate
{
    private readonly Qwen3Config _config;

    public MemoryEstimate(IModelSource model, Capabilities capabilities, Precision precision, KvLayout kv)
    {
        _config = model.Config;
        ElementType expanded = precision == Precision.Exact ? ElementType.F32 : capabilities.FastExpansion;
        foreach (string name in model.Names)
        {
            ConstantData data = model.Get(name);
            Weights += capabilities.Types.Contains(data.Type)
                ? data.Bytes
                : data.Shape.Aggregate((Int128)1, (product, dim) => product * dim) * expanded.BlockBytes();
        }

        Int128 entry = (Int128)_config.KvHeads * _config.HeadDim / kv.Type.BlockElements() * kv.Type.BlockBytes();
        KvCache = (Int128)2 * _config.Layers * kv.Slots * entry;
    }

    public Int128 Weights { get; }

    public Int128 KvCache { get; }

    public Int128 Total(in Bindings maxima) => Weights + KvCache + Activations(maxima);

    private Int128 Activations(in Bindings maxima)
    {
        long attention = ((2L * _config.Heads) + (4L * _config.KvHeads) + 2) * _config.HeadDim;
        long ffn = Math.Max(3L * _config.FfnSize, _config.ExpertsPerToken * ((3L * _config.ExpertFfnSize) + _config.HiddenSize));
        Int128 perToken = (4L * _config.HiddenSize) + attention + ffn;
        Int128 perRow = (2L * _config.HiddenSize) + _config.VocabSize;
        return 4 * ((maxima.T * perToken) + (maxima.R * perRow) + (3 * (Int128)maxima.N));
    }
}

using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Conformance.Ops;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>
/// The inputs of the steps of one text: a prefill, then single tokens. The text's pages lie in the pool in reverse order, so that no
/// slot is its position.
/// </summary>
internal sealed class StepText(Qwen3Config config, KvLayout kv, int[] tokens, int prefill)
{
    private readonly RopeTable _rope = new(config.HeadDim, config.Rope);

    public int Steps => 1 + tokens.Length - prefill;

    public Bindings Bindings(int step) => step == 0 ? new(prefill, prefill, 1, prefill) : new(1, prefill + step, 1, 1);

    /// <summary>An input of a step.</summary>
    public OpTensor Input(Value input, int step)
    {
        Bindings bindings = Bindings(step);
        (int count, int entries) = ((int)bindings.T, (int)bindings.N);
        int first = entries - count;
        int[] positions = [.. Enumerable.Range(first, count)];
        int[] all = [.. Enumerable.Range(0, entries)];
        return input.Name switch
        {
            Qwen3Graph.Tokens => Ints(input, tokens[first..entries]),
            Qwen3Graph.Rows => Ints(input, Enumerable.Range(0, count)),
            Qwen3Graph.WriteSlot => Ints(input, positions.Select(Slot)),
            "q_seq" => Ints(input, new int[count]),
            "q_pos" => Ints(input, positions),
            "q_start" => Ints(input, [0, count]),
            "kv_start" => Ints(input, [0, entries]),
            "page_table" => Ints(input, Enumerable.Range(0, (int)kv.Pages).Select(Page)),
            "kv_slot" => Ints(input, all.Select(Slot)),
            "kv_seq" => Ints(input, new int[entries]),
            "kv_pos" => Ints(input, all),
            Qwen3Graph.Cos => Angles(input, positions, cosine: true),
            Qwen3Graph.Sin => Angles(input, positions, cosine: false),
            _ => throw new InvalidOperationException($"%{input.Name} is no input of a Qwen3 graph"),
        };
    }

    private int Page(int index) => (int)kv.Pages - 1 - index;

    private int Slot(int position) => (int)((Page((int)(position / kv.Page)) * kv.Page) + (position % kv.Page));

    private OpTensor Angles(Value input, int[] positions, bool cosine)
    {
        float[] cos = new float[positions.Length * config.HeadDim];
        float[] sin = new float[cos.Length];
        _rope.Fill(positions, cos, sin);
        return Of(input, MemoryMarshal.AsBytes((cosine ? cos : sin).AsSpan()).ToArray());
    }

    private static OpTensor Ints(Value input, IEnumerable<int> values) => Of(input, MemoryMarshal.AsBytes(values.ToArray().AsSpan()).ToArray());

    private static OpTensor Of(Value input, byte[] bytes) => new(input.Type, TensorRole.Input, bytes);
}

namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>The tensors of a launch. Strides are in elements.</summary>
internal unsafe struct AttentionArguments
{
    /// <summary>f32 [Tokens, heads, head dim] in any layout.</summary>
    public float* Q;

    public long QTokenStride;
    public long QHeadStride;
    public long QInnerStride;

    /// <summary>The pools, [Slots, kv heads, head dim], dense.</summary>
    public byte* K;

    public byte* V;
    public long Slots;

    /// <summary>[Tokens]</summary>
    public int* QSeq;

    public int* QPos;

    /// <summary>[Sequences + 1]</summary>
    public int* KvStart;

    /// <summary>[Sequences, columns]</summary>
    public int* PageTable;

    public long Tokens;
    public long Sequences;

    /// <summary>Entries of all sequences.</summary>
    public long Entries;

    /// <summary>f32 [Tokens, heads, head dim], dense.</summary>
    public float* Output;
}

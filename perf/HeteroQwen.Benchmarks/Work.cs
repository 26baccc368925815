using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Benchmarks;

/// <summary>One case of a benchmark: what it is called, and what one launch has to move and to compute.</summary>
public abstract record Work
{
    /// <summary>Bytes that must be read or written once: weights, cache entries that are seen, activations, the result.</summary>
    public abstract double Bytes { get; }

    /// <summary>Floating-point operations, a multiplication and an addition counting as two.</summary>
    public abstract double Flops { get; }
}

/// <summary>A product of Qwen3-0.6B: [tokens, inner] times [outer, inner] transposed.</summary>
public sealed record LinearWork(Precision Precision, ElementType Type, string Product, int Inner, int Outer, int Tokens) : Work
{
    public override double Bytes => Type.Bytes((long)Inner * Outer) + (4.0 * Tokens * (Inner + Outer));

    public override double Flops => 2.0 * Tokens * Inner * Outer;

    public override string ToString() =>
        $"{(Precision == Precision.Fast ? "fast" : "exact")} {Type.Name()} {Product} {Inner}x{Outer} T={Tokens}";
}

/// <summary>The newest tokens of one sequence of Qwen3-0.6B's shape, over a cache of a type; each sees what is before it.</summary>
public sealed record AttentionWork(ElementType Type, int Entries, int Tokens) : Work
{
    public const int Heads = 16;
    public const int KvHeads = 8;
    public const int HeadDim = 128;

    public override double Bytes => (2.0 * Type.Bytes((long)Entries * KvHeads * HeadDim)) + (2.0 * 4 * Tokens * Heads * HeadDim);

    public override double Flops => 4.0 * Heads * HeadDim * Tokens * (Entries - ((Tokens - 1) / 2.0));

    public override string ToString() => $"{Type.Name()} cache, {Entries} entries, T={Tokens}";
}

/// <summary>Rows of Qwen3-0.6B's hidden size.</summary>
public sealed record NormWork(int Tokens) : Work
{
    public const int Hidden = 1024;

    public override double Bytes => 4.0 * Hidden * ((2 * Tokens) + 1);

    public override double Flops => 4.0 * Hidden * Tokens;

    public override string ToString() => $"{Hidden} T={Tokens}";
}

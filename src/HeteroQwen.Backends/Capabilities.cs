using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends;

/// <summary>How far a device's results depend on circumstances.</summary>
public enum Determinism
{
    /// <summary>The same step may give other bits in another run.</summary>
    None = 0,

    /// <summary>The same step gives the same bits in every run, for any number of threads.</summary>
    RunToRun = 1,

    /// <summary>A row's bits depend on no other row: any batch and any chunking give the same.</summary>
    BatchInvariant = 2,
}

/// <summary>How values are rounded on the way into or out of an op.</summary>
public enum RoundingKind
{
    /// <summary>Held as they are, in f32.</summary>
    None = 0,

    /// <summary>To a float format.</summary>
    Float = 1,

    /// <summary>To int8 with one scale per block.</summary>
    Int8 = 2,
}

/// <summary>A declared rounding.</summary>
/// <param name="Kind">None, a float format, or int8.</param>
/// <param name="SignificandBits">Float: bits of the significand, the hidden one included (f16 and tf32 11, bf16 8).</param>
/// <param name="MaxExponent">Float: exponent of the largest finite value (f16 15, bf16 and tf32 127).</param>
/// <param name="Block">Int8: elements that share a scale (32 or 256); 0 for the whole row.</param>
/// <param name="Truncates">Towards zero rather than to nearest even.</param>
public readonly record struct Rounding(RoundingKind Kind, int SignificandBits, int MaxExponent, int Block, bool Truncates)
{
    public static Rounding None => default;
}

/// <summary>Declared arithmetic of an op in one precision.</summary>
/// <param name="Op">Name of the op, or "*" for all that no other entry names.</param>
/// <param name="Precision">The precision that the entry speaks of.</param>
/// <param name="Operands">Rounding of activations.</param>
/// <param name="Weights">Rounding of weights on reading.</param>
/// <param name="Results">Rounding of results.</param>
/// <param name="AccumulateBits">Significand bits of the type in which sums are held (f32 24, f64 53).</param>
/// <param name="FlushesSubnormals">Subnormal operands and results become zero.</param>
public sealed record Numerics(
    string Op, Precision Precision, Rounding Operands, Rounding Weights, Rounding Results, int AccumulateBits, bool FlushesSubnormals);

/// <summary>What a device is and asks for. Data only; the runtime and lowering act on it.</summary>
public sealed record Capabilities
{
    /// <summary>Types that kernels of the device read. A weight of another type is expanded at load.</summary>
    public required ImmutableArray<ElementType> Types { get; init; }

    /// <summary>The type to which a weight is expanded in <see cref="Precision.Fast"/>; in exact it is f32.</summary>
    public ElementType FastExpansion { get; init; } = ElementType.F32;

    /// <summary>Precisions that the device offers.</summary>
    public ImmutableArray<Precision> Precisions { get; init; } = [Precision.Exact, Precision.Fast];

    /// <summary>Row strides of results and states whose last dimension is not the constant 1 are rounded up to this many elements.</summary>
    public int RowMultiple { get; init; } = 1;

    /// <summary>Every argument and workspace starts at a multiple of this many bytes, operands of the op <c>copy</c> excepted. A power of two.</summary>
    public int Alignment { get; init; } = 64;

    /// <summary>The bytes of a tensor are rounded up to a multiple of this; kernels may touch the tail.</summary>
    public int LengthAlignment { get; init; } = 1;

    /// <summary>Bytes of the largest buffer.</summary>
    public long LargestBuffer { get; init; } = long.MaxValue;

    /// <summary>Entries of a page of the KV pool.</summary>
    public int PageSize { get; init; } = 128;

    /// <summary>Bytes of device memory; 0 if not known.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>Bindings are rounded up to a few sizes and padded, so that plans are reused.</summary>
    public bool RoundsBindings { get; init; }

    public Determinism Determinism { get; init; } = Determinism.RunToRun;

    /// <summary>Declared arithmetic; what no entry names keeps f32 operands and results and sums in f32.</summary>
    public ImmutableArray<Numerics> Numerics { get; init; } = [];
}

/// <summary>What a device can do at most, as it measured itself.</summary>
/// <param name="BytesPerSecond">Reading in order, by all its cores, of more memory than its caches hold; 0 if not known.</param>
/// <param name="Unit">What computes products of these weights in this precision: an instruction or a unit of the chip, such as
/// "f32 multiply-add". Where it depends on the number of tokens, the fastest.</param>
/// <param name="OperationsPerSecond">What that reaches, a multiplication and an addition being two; 0 if not known.</param>
public readonly record struct Peaks(double BytesPerSecond, string Unit, double OperationsPerSecond);

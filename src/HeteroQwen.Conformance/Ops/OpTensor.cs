using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Conformance.Verdicts;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops;

/// <summary>An operand of a case.</summary>
/// <param name="Type">Element type and shape; symbols are those of the case's bindings.</param>
/// <param name="Role">Where it comes from.</param>
/// <param name="Data">The elements, dense.</param>
public sealed record OpTensor(TensorType Type, TensorRole Role, byte[] Data)
{
    /// <summary>Elements from one index to the next on each axis, in the memory that the device sees; null if dense. Where one is 0 the
    /// elements are equal along the axis.</summary>
    public ImmutableArray<long>? Strides { get; init; }

    /// <summary>Elements by which a strided tensor begins after the alignment; other than 0 only for the operands of <c>copy</c>.</summary>
    public int Skip { get; init; }

    /// <summary>The earlier operand in whose memory this one lies; -1 if in its own.</summary>
    public int SameAs { get; init; } = -1;

    /// <summary>Constants: pieces of axis 0 that lie apart in memory.</summary>
    public int Ranges { get; init; } = 1;

    /// <summary>A constant that stays where a model has it; <see cref="Data"/> is then empty.</summary>
    public ConstantData? Source { get; init; }

    public OpTensor As(TensorRole role) => this with { Role = role };

    public OpTensor With(params long[] strides) => this with { Strides = [.. strides] };

    internal Plain ToPlain(Bindings bindings) =>
        new(Type, Role, Plain.Resolve(Type.Shape, bindings), ElementCodec.Decode(Type.Element, Bytes()));

    /// <summary>The elements, dense, wherever they are.</summary>
    internal unsafe byte[] Bytes()
    {
        if (Source is null)
        {
            return Data;
        }

        byte[] bytes = new byte[Source.Bytes];
        fixed (byte* to = bytes)
        {
            Source.Read(0, (nint)to, bytes.Length);
        }

        return bytes;
    }

    /// <summary>Values, rounded to the type.</summary>
    public static OpTensor Of(ElementType element, ReadOnlySpan<double> values, params Dim[] dims) =>
        new(new TensorType(element, dims), TensorRole.Input, ElementCodec.Encode(element, values));
}

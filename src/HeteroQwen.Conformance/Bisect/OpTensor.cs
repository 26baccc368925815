using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Conformance.Verdicts;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>An operand of one op, in host memory.</summary>
/// <param name="Element">Element type.</param>
/// <param name="Dims">Dimensions, symbols included.</param>
/// <param name="Role">Where it comes from.</param>
/// <param name="Bytes">The elements, dense; for a view the memory that strides and offset index; empty where <see cref="Constant"/> has them.</param>
internal sealed record OpTensor(ElementType Element, ImmutableArray<Dim> Dims, TensorRole Role, byte[] Bytes)
{
    /// <summary>A constant that stays where the model has it.</summary>
    public ConstantData? Constant { get; init; }

    /// <summary>Elements from one index to the next on each axis; null if dense.</summary>
    public ImmutableArray<long>? Strides { get; init; }

    /// <summary>Elements from the start to element 0 of a view.</summary>
    public long Offset { get; init; }

    public TensorType Type => new(Element, Dims.AsSpan());

    public long[] Resolve(Bindings bindings) => [.. Dims.Select(d => d.Resolve(bindings))];

    /// <summary>The same elements, dense, in bytes of its own.</summary>
    public unsafe OpTensor Dense(in Bindings bindings)
    {
        if (Constant is not null)
        {
            byte[] bytes = new byte[Constant.Bytes];
            fixed (byte* to = bytes)
            {
                Constant.Read(0, (nint)to, bytes.Length);
            }

            return this with { Constant = null, Bytes = bytes };
        }

        return Strides is { } strides ? this with { Bytes = Walk(Resolve(bindings), strides), Strides = null, Offset = 0 } : this;
    }

    public Plain Plain(in Bindings bindings)
    {
        OpTensor dense = Dense(bindings);
        return new Plain(Type, Role, Resolve(bindings), ElementCodec.Decode(Element, dense.Bytes));
    }

    /// <summary>Rows [first, end) of an axis.</summary>
    public OpTensor Rows(int axis, long first, long end, Dim dim, in Bindings bindings)
    {
        long[] dims = Resolve(bindings);
        long inner = Element.Bytes(Verdicts.Plain.Product(dims.AsSpan(axis + 1)) * (axis == dims.Length - 1 ? Element.BlockElements() : 1))
            / (axis == dims.Length - 1 ? Element.BlockElements() : 1);
        long outer = Verdicts.Plain.Product(dims.AsSpan(0, axis));
        byte[] bytes = new byte[outer * (end - first) * inner];
        byte[]? all = Constant is null || outer != 1 ? Dense(bindings).Bytes : null;
        for (long i = 0; i < outer; i++)
        {
            Span<byte> to = bytes.AsSpan((int)(i * (end - first) * inner), (int)((end - first) * inner));
            CopyTo(all, ((i * dims[axis]) + first) * inner, to);
        }

        return this with { Dims = Dims.SetItem(axis, dim), Bytes = bytes, Constant = null, Strides = null, Offset = 0 };
    }

    private unsafe void CopyTo(byte[]? all, long start, Span<byte> to)
    {
        if (all is not null)
        {
            all.AsSpan((int)start, to.Length).CopyTo(to);
            return;
        }

        fixed (byte* destination = to)
        {
            Constant!.Read(start, (nint)destination, to.Length);
        }
    }

    private byte[] Walk(long[] dims, ImmutableArray<long> strides)
    {
        int size = Element.BlockBytes();
        byte[] dense = new byte[checked((int)Element.Bytes(Verdicts.Plain.Product(dims)))];
        for (int to = 0; to < dense.Length; to += size)
        {
            (long from, long rest) = (Offset, to / size);
            for (int axis = dims.Length - 1; axis >= 0; axis--)
            {
                from += rest % dims[axis] * strides[axis];
                rest /= dims[axis];
            }

            Bytes.AsSpan(checked((int)from * size), size).CopyTo(dense.AsSpan(to));
        }

        return dense;
    }
}

using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.ToyBackends;

/// <summary>Layouts of tensors.</summary>
internal static unsafe class Strides
{
    /// <summary>Row-major strides with the last dimension rounded up to a multiple, unless it is the constant 1.</summary>
    public static long[] RowMajor(TensorDescriptor type, long[] dims, int rowMultiple)
    {
        long[] strides = new long[dims.Length];
        long stride = 1;
        for (int axis = dims.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            long multiple = axis == dims.Length - 1 && type.Dims[axis] != 1 ? rowMultiple : 1;
            stride *= (dims[axis] + multiple - 1) / multiple * multiple;
        }

        return strides;
    }

    /// <summary>Bytes of a row-major tensor, its rows and its length rounded up as the device asks.</summary>
    public static long Tail(TensorDescriptor type, long[] dims, Capabilities capabilities)
    {
        long elements = dims.Length < 2 ? dims.Aggregate(1L, (product, d) => product * d)
            : dims[0] * RowMajor(type, dims, capabilities.RowMultiple)[0];
        int block = type.Element.BlockElements();
        long bytes = type.Element.Bytes((elements + block - 1) / block * block);
        return (bytes + capabilities.LengthAlignment - 1) / capabilities.LengthAlignment * capabilities.LengthAlignment;
    }

    /// <summary>Copies a tensor between two layouts.</summary>
    public static void Copy(
        ElementType element, ReadOnlySpan<long> dims, byte* to, ReadOnlySpan<long> toStrides, byte* from, ReadOnlySpan<long> fromStrides)
    {
        if (dims.IsEmpty || (dims.Length == 1 && toStrides[0] == 1 && fromStrides[0] == 1))
        {
            long bytes = element.Bytes(dims.IsEmpty ? 1 : dims[0]);
            Buffer.MemoryCopy(from, to, bytes, bytes);
            return;
        }

        for (long i = 0; i < dims[0]; i++)
        {
            (long toByte, long fromByte) = (element.Bytes(i * toStrides[0]), element.Bytes(i * fromStrides[0]));
            Copy(element, dims[1..], to + toByte, toStrides[1..], from + fromByte, fromStrides[1..]);
        }
    }
}

using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference;

/// <summary>Turns the constants of a kernel into tensors over the host's memory, in as many pieces as they come in.</summary>
internal static class ConstantBinder
{
    public static Status Bind(OpDescriptor op, ConstantData?[] constants, out Tensor?[] tensors)
    {
        tensors = new Tensor?[op.Operands.Length];
        if (constants is null || constants.Length != op.Operands.Length)
        {
            return Status.InvalidArgument($"{op.Name}: {constants?.Length ?? 0} entries of constants for {op.Operands.Length} operands");
        }

        for (int i = 0; i < constants.Length; i++)
        {
            TensorDescriptor operand = op.Operands[i];
            ConstantData? data = constants[i];
            if (data is null != (operand.Role != TensorRole.Constant))
            {
                string found = data is null ? "a constant without bytes" : "no constant but has bytes";
                return Status.InvalidArgument($"{op.Name}: operand {i} is {found}");
            }

            if (data is null)
            {
                continue;
            }

            bool fits = data.Type == operand.Element && data.Shape.SequenceEqual(operand.Dims.Select(d => d.Code));
            if (!fits || !TryPieces(data, out Piece[] pieces))
            {
                string found = $"{data.Bytes} bytes in {data.Ranges.Length} ranges, {data.Type.Name()}[{string.Join(", ", data.Shape)}]";
                return Status.InvalidArgument($"{op.Name}: constant {data.Identity} ({found}) does not fit {operand}");
            }

            tensors[i] = new Tensor(data.Type, [.. data.Shape], pieces);
        }

        return Status.Ok;
    }

    /// <summary>False unless each range is a whole number of slices of axis 0 and all of them are the whole constant.</summary>
    private static bool TryPieces(ConstantData data, out Piece[] pieces)
    {
        long elements = data.Shape.Aggregate(1L, (product, dim) => checked(product * dim));
        long slice = data.Shape.Length == 0 || data.Shape[0] == 0 ? elements : elements / data.Shape[0];
        pieces = new Piece[data.Ranges.Length];
        long first = 0;
        for (int i = 0; i < pieces.Length; i++)
        {
            (nint address, long length) = (data.Ranges[i].Address, data.Ranges[i].Length);
            long count = length / data.Type.BlockBytes() * data.Type.BlockElements();
            if (address == 0 || length <= 0 || slice == 0 || count % slice != 0 || data.Type.Bytes(count) != length)
            {
                return false;
            }

            pieces[i] = new Piece(first, count, address);
            first += count;
        }

        return first == elements;
    }
}

using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary>
/// <c>linear</c>: a launch for each piece of a large weight, which makes the columns that lie in it. Many rows go through tiles where the
/// device has lanes for them.
/// </summary>
internal sealed class LinearKernel(OpDescriptor op, OpenClDevice device) : ClKernel(device, op)
{
    /// <summary>Rows from which on a tile, most of whose lanes then have work, is faster than reading the weight for every four.</summary>
    private const long RowsOfTiles = 9;

    /// <summary>SIDE of the source, also its lanes.</summary>
    private const int Side = 64;

    private readonly LinearFunction _linear = new(device, op.Operands[1].Element, op.Operands[0].Dims[^1].Constant);
    private ClFunction? _function;
    private ClFunction? _tile;

    protected override void Build()
    {
        string bias = Operands.Length == 3 ? $" -D BIAS={Op.Operands[2].Element.Name()}" : "";
        _function = Function("linear.cl", _linear.Definitions + bias, "linear", Tuning.Lanes);
        if (Tuning.Tiles && Op.Operands[0].Dim(0, Op.Maxima) >= RowsOfTiles)
        {
            _tile = Function("linear_tile.cl", $"-D W={Op.Operands[1].Element.Name()}{bias}", "linear_tile", Side);
        }
    }

    protected override bool SplitsConstant(int operand) => operand == 1;

    protected override Status Enqueue(nint queue)
    {
        (TensorSlot x, TensorSlot weight) = (Operands[0], Operands[1]);
        bool tiled = _tile is not null && x.Dims[0] >= RowsOfTiles;
        Status status = Status.Ok;
        for (int i = 0; i < weight.PartCount && status.IsOk; i++)
        {
            TensorPart part = weight.Part(i);
            ClFunction function = (tiled ? _tile! : _function!).Begin().Tensor(x).Tensor(part);
            if (Operands.Length == 3)
            {
                function.Tensor(Operands[2]);
            }

            function.Tensor(Results[0]).Int(x.Dims[0]).Int(part.Rows).Int(x.Last).Long(weight.Element.Bytes(x.Last)).Int(weight.Dims[0]).Int(part.First);
            status = tiled
                ? function.Run(queue, (part.Rows + Side - 1) / Side, (x.Dims[0] + Side - 1) / Side)
                : _linear.Panel(function).Run(queue, _linear.Groups(part.Rows));
        }

        return status;
    }
}

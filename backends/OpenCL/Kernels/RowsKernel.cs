using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary><c>gather_rows</c>: a launch for each piece of a large table, which fills the rows that lie in it.</summary>
internal sealed class GatherRowsKernel(OpDescriptor op, OpenClDevice device) : ClKernel(device, op)
{
    private ClFunction? _function;

    protected override void Build() =>
        _function = Function("rows.cl", $"-D X={Op.Operands[0].Element.Name()}", "gather", Tuning.Lanes);

    protected override bool SplitsConstant(int operand) => operand == 0;

    protected override Status Enqueue(nint queue)
    {
        TensorSlot table = Operands[0];
        long length = table.Product(1, table.Rank);
        long units = (length + 31) / 32;
        long items = Operands[1].Elements * units;
        for (int i = 0; i < table.PartCount; i++)
        {
            TensorPart part = table.Part(i);
            Status status = _function!.Begin().Tensor(part).Tensor(Operands[1]).Tensor(Results[0])
                .Long(table.Dims[0]).Long(part.First).Long(part.Rows).Int(length).Long(table.Element.Bytes(length)).Int(units).Long(items)
                .RunItems(queue, items);
            if (!status.IsOk)
            {
                return status;
            }
        }

        return Status.Ok;
    }
}

/// <summary><c>scatter_rows</c>, in place.</summary>
internal sealed class ScatterRowsKernel(OpDescriptor op, OpenClDevice device) : ClKernel(device, op)
{
    private ClFunction? _function;

    protected override void Build() =>
        _function = Function("rows.cl", $"-D SCATTERS -D X={Op.Operands[0].Element.Name()}", "scatter", Tuning.Lanes);

    protected override Status Enqueue(nint queue)
    {
        TensorSlot state = Operands[0];
        if (Results[0].Memory != state.Memory || Results[0].Offset != state.Offset)
        {
            return Status.InvalidArgument($"{Device.Label}: scatter_rows: the result is not the state's own memory");
        }

        long length = state.Product(1, state.Rank);
        long units = (length + 31) / 32;
        long items = Operands[1].Elements * units;
        return _function!.Begin().Tensor(state).Tensor(Operands[1]).Tensor(Operands[2])
            .Long(state.Dims[0]).Int(length).Long(state.Element.Bytes(length)).Int(units).Long(items).RunItems(queue, items);
    }
}

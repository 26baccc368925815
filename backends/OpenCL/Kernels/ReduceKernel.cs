namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary><c>reduce</c>. Any strides.</summary>
internal sealed class ReduceKernel(OpDescriptor op, OpenClDevice device) : ClKernel(device, op)
{
    private readonly Walk _walk = new(2, 1);
    private readonly int _axis = (int)op.Attributes.Int64("axis");
    private ClFunction? _function;

    protected override void Build()
    {
        bool sums = Op.Attributes.Text("kind") == "sum";
        _function = Function("reduce.cl", sums ? "-D SUM" : "", sums ? "sum" : "largest", Tuning.Lanes);
    }

    protected override Status Enqueue(nint queue)
    {
        // The result has 1 along the axis, so that a walk over it leaves the axis out.
        (TensorSlot x, TensorSlot y) = (Operands[0], Results[0]);
        _walk.Set(y.Dims, x.Strides, y.Strides);
        return _walk.Arguments(_function!.Begin().Tensor(x).Tensor(y)).Long(x.Dims[_axis]).Long(x.Strides[_axis]).RunItems(queue, _walk.Units);
    }
}

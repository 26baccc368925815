namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>A weight of one dimension as f32: a constant is widened once, anything else by each launch.</summary>
internal sealed unsafe class NormWeight : IDisposable
{
    private readonly TensorView _view;
    private readonly CpuBuffer _wide;

    public NormWeight(TensorView view, TensorDescriptor descriptor)
    {
        _view = view;
        Length = descriptor.Dims[0].Constant;
        _wide = new CpuBuffer(checked(Length * sizeof(float)));
        if (view.IsConstant)
        {
            Refresh();
        }
    }

    public long Length { get; }

    public long Bytes => _wide.Bytes;

    public float* Data => (float*)_wide.Data;

    /// <summary>Takes in the launch's argument.</summary>
    public void Bind()
    {
        if (!_view.IsConstant)
        {
            Refresh();
        }
    }

    public void Dispose() => _wide.Dispose();

    private void Refresh() => Widening.Into(_view.Element, _view.Data, _view.InnerStride, Length, Data);
}

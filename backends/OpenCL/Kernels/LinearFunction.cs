using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary>Products of rows with a weight of one type, for <c>linear</c> and <c>moe_ffn</c>.</summary>
internal sealed class LinearFunction
{
    private const int Pitch = 16;

    private readonly OpenClDevice _device;
    private readonly ElementType _type;
    private readonly long _k;
    private readonly int _columns;
    private readonly bool _panel;

    /// <param name="device">The device.</param>
    /// <param name="weight">Type of the weight.</param>
    /// <param name="k">Length of a row.</param>
    public LinearFunction(OpenClDevice device, ElementType weight, long k)
    {
        (_device, _type, _k) = (device, weight, k);

        // A processor widens a panel of columns in local memory, as many as fit; lanes that share a row take one tile.
        bool alone = device.Tuning.Lanes == 1;
        _columns = alone ? 16 : 4;
        while (_columns > 4 && PanelBytes > device.Facts.LocalBytes / 2)
        {
            _columns /= 2;
        }

        _panel = alone && PanelBytes <= device.Facts.LocalBytes / 2;
    }

    public string Definitions => $"-D W={_type.Name()} -D NP={_columns} -D PANEL={(_panel ? 1 : 0)}";

    private long PanelBytes => (_k + Pitch - 1) / Pitch * Pitch * _columns * sizeof(float);

    public long Groups(long columns) => (columns + _columns - 1) / _columns;

    /// <summary>The last argument of both kernels.</summary>
    public ClFunction Panel(ClFunction function) => _panel ? function.Local(PanelBytes) : function;
}

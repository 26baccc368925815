using System.Runtime.Intrinsics.X86;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Products with weights of quantised types: int8 activations, exact integer sums in each group. A few rows read each panel where it
/// lies, once. For more, two panels at a time are unpacked and then pass over all rows, several of them at a time.
/// </summary>
internal sealed unsafe class IntegerProduct : PanelProduct
{
    private const int Columns = PanelLayout.Columns;
    private const int Together = 2;
    private const int Line = 64;

    private readonly PackedMatrix _matrix;
    private readonly IntegerTiles _tiles;
    private readonly PanelUnpacking _unpacking;
    private readonly long _codesBytes;
    private readonly long _stepsBytes;
    private readonly long _unpackedBytes;
    private readonly long _recordBytes;

    public IntegerProduct(PackedMatrix matrix, IntegerTiles tiles)
    {
        (_matrix, _tiles) = (matrix, tiles);
        _unpacking = new PanelUnpacking(matrix.Type, matrix.Length);
        _recordBytes = ActivationRows.RowBytes(ActivationForm.Int8, matrix.Length);
        _codesBytes = _unpacking.CodesBytes;
        _stepsBytes = _unpacking.StepsBytes;
        _unpackedBytes = checked(_codesBytes + _stepsBytes + _unpacking.MinsBytes);
    }

    public override long ScratchBytes => checked(Together * _unpackedBytes);

    public override ActivationForm Form(int rows) => ActivationForm.Int8;

    public override void Run(in ActivationRows x, long matrix, long first, int count, float* y, long yStride, byte* scratch)
    {
        ProductCall call = default;
        call.YStride = yStride * sizeof(float);
        bool direct = x.Rows <= _tiles.MostDirectRows;
        int step = direct ? 1 : Together;
        for (int i = 0; i < count; i += step)
        {
            int panels = Math.Min(step, count - i);
            call.X = x.Data;
            call.Y = y + (i * Columns);
            call.Mask = ProductCall.MaskOf(_matrix.Columns, first + i, panels);
            if (direct)
            {
                BindPacked(ref call, _matrix.Panel(matrix, first + i), scratch);
                _tiles.Direct(x.Rows, &call);
            }
            else
            {
                BindUnpacked(ref call, matrix, first + i, panels, scratch);
                AllRows(x.Rows, &call, first + i + Together < _matrix.Panels ? _matrix.Panel(matrix, first + i + Together) : null);
            }
        }
    }

    /// <param name="rows">Number of rows.</param>
    /// <param name="call">The call for the first of them.</param>
    /// <param name="next">
    /// The panels that likely come next, or null: they are asked for bit by bit meanwhile, since the first rows would wait for each line.
    /// </param>
    private void AllRows(int rows, ProductCall* call, byte* next)
    {
        long bytes = next == null ? 0 : Together * _matrix.PanelBytes;
        for (int row = 0, taken; row < rows; row += taken)
        {
            taken = ProductCall.NextRows(rows - row, _tiles.MostTiledRows);
            Ask(next + (bytes / rows * row), next + (bytes / rows * (row + taken)));
            _tiles.Tiled(taken, call);
            call->Next(taken, _recordBytes);
        }
    }

    private static void Ask(byte* from, byte* to)
    {
        for (; Sse.IsSupported && from < to; from += Line)
        {
            Sse.Prefetch1(from);
        }
    }

    private void BindPacked(ref ProductCall call, byte* panel, byte* scratch)
    {
        call.Codes0 = panel;
        if (_tiles.DirectTakesSteps)
        {
            call.Steps0 = (float*)(scratch + _codesBytes);
            call.Mins0 = (float*)(scratch + _codesBytes + _stepsBytes);
            _unpacking.Steps(panel, call.Steps0);
            _unpacking.Mins(panel, call.Mins0);
        }
    }

    private void BindUnpacked(ref ProductCall call, long matrix, long panel, int panels, byte* scratch)
    {
        Unpack(_matrix.Panel(matrix, panel), scratch, out call.Codes0, out call.Steps0, out call.Mins0);
        call.Codes1 = call.Codes0;
        call.Steps1 = call.Steps0;
        call.Mins1 = call.Mins0;
        if (panels == Together)
        {
            Unpack(_matrix.Panel(matrix, panel + 1), scratch + _unpackedBytes, out call.Codes1, out call.Steps1, out call.Mins1);
        }
    }

    private void Unpack(byte* panel, byte* scratch, out byte* codes, out float* steps, out float* mins)
    {
        steps = (float*)(scratch + _codesBytes);
        mins = (float*)(scratch + _codesBytes + _stepsBytes);
        _unpacking.Steps(panel, steps);
        _unpacking.Mins(panel, mins);
        codes = panel;
        if (_codesBytes > 0)
        {
            _unpacking.Codes(panel, scratch);
            codes = scratch;
        }
    }
}

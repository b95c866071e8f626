// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice The forge cheatcodes that these tests use, declared as in forge-std.
interface Vm {
    struct Wallet {
        address addr;
        uint256 publicKeyX;
        uint256 publicKeyY;
        uint256 privateKey;
    }

    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    // Keys and signatures
    function createWallet(uint256 privateKey) external returns (Wallet memory);
    function addr(uint256 privateKey) external pure returns (address);
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);

    // Chain state
    function deployCode(string calldata artifact) external returns (address);
    function deployCode(string calldata artifact, bytes calldata arguments) external returns (address);
    function getCode(string calldata artifact) external view returns (bytes memory);
    function etch(address target, bytes calldata code) external;
    function deal(address account, uint256 balance) external;
    function warp(uint256 timestamp) external;
    function chainId(uint256 id) external;
    function prank(address sender) external;

    // Files
    function exists(string calldata path) external view returns (bool);
    function readFileBinary(string calldata path) external view returns (bytes memory);

    // Expectations
    function assume(bool condition) external pure;
    function skip(bool skipTest, string calldata reason) external;
    function expectRevert() external;
    function expectRevert(bytes4 selector) external;
    function expectRevert(bytes calldata data) external;
    function expectEmit(bool topic1, bool topic2, bool topic3, bool data, address emitter) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    function snapshotGasLastCall(string calldata group, string calldata name) external returns (uint256);

    // Assertions
    function assertTrue(bool condition, string calldata message) external pure;
    function assertFalse(bool condition, string calldata message) external pure;
    function assertEq(bool left, bool right, string calldata message) external pure;
    function assertEq(uint256 left, uint256 right, string calldata message) external pure;
    function assertEq(address left, address right, string calldata message) external pure;
    function assertEq(bytes32 left, bytes32 right, string calldata message) external pure;
    function assertEq(string calldata left, string calldata right, string calldata message) external pure;
    function assertEq(bytes calldata left, bytes calldata right, string calldata message) external pure;
    function assertNotEq(uint256 left, uint256 right, string calldata message) external pure;
    function assertNotEq(address left, address right, string calldata message) external pure;
    function assertNotEq(bytes32 left, bytes32 right, string calldata message) external pure;
    function assertLt(uint256 left, uint256 right, string calldata message) external pure;
    function assertLe(uint256 left, uint256 right, string calldata message) external pure;
    function assertGt(uint256 left, uint256 right, string calldata message) external pure;
    function assertGe(uint256 left, uint256 right, string calldata message) external pure;
    function assertApproxEqAbs(uint256 left, uint256 right, uint256 maxDelta, string calldata message)
        external
        pure;
}

/// @notice The base of every test, with the names, argument order and meaning of forge-std's `Test`. It only
/// has the assertions with a message, so that every failure says what it compares.
/// @dev npm has no official forge-std. The newest copy in an npm package (1.9.7) makes solc 0.8.37 report
/// more than 256 warnings, which would hide our own.
abstract contract Test {
    /// @notice Some functions of one contract.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    address[] private _targetContracts;
    FuzzSelector[] private _targetSelectors;
    FuzzSelector[] private _excludedSelectors;

    // ------------------------------------------------------------ assertions

    // A cheatcode is only called to report a failure: the call would slow down tests that compare 100,000
    // values.

    function assertTrue(bool condition, string memory message) internal pure {
        if (!condition) vm.assertTrue(condition, message);
    }

    function assertFalse(bool condition, string memory message) internal pure {
        if (condition) vm.assertFalse(condition, message);
    }

    function assertEq(bool left, bool right, string memory message) internal pure {
        if (left != right) vm.assertEq(left, right, message);
    }

    function assertEq(uint256 left, uint256 right, string memory message) internal pure {
        if (left != right) vm.assertEq(left, right, message);
    }

    function assertEq(address left, address right, string memory message) internal pure {
        if (left != right) vm.assertEq(left, right, message);
    }

    function assertEq(bytes32 left, bytes32 right, string memory message) internal pure {
        if (left != right) vm.assertEq(left, right, message);
    }

    function assertEq(string memory left, string memory right, string memory message) internal pure {
        vm.assertEq(left, right, message);
    }

    function assertEq(bytes memory left, bytes memory right, string memory message) internal pure {
        vm.assertEq(left, right, message);
    }

    function assertNotEq(uint256 left, uint256 right, string memory message) internal pure {
        if (left == right) vm.assertNotEq(left, right, message);
    }

    function assertNotEq(address left, address right, string memory message) internal pure {
        if (left == right) vm.assertNotEq(left, right, message);
    }

    function assertNotEq(bytes32 left, bytes32 right, string memory message) internal pure {
        if (left == right) vm.assertNotEq(left, right, message);
    }

    function assertLt(uint256 left, uint256 right, string memory message) internal pure {
        if (left >= right) vm.assertLt(left, right, message);
    }

    function assertLe(uint256 left, uint256 right, string memory message) internal pure {
        if (left > right) vm.assertLe(left, right, message);
    }

    function assertGt(uint256 left, uint256 right, string memory message) internal pure {
        if (left <= right) vm.assertGt(left, right, message);
    }

    function assertGe(uint256 left, uint256 right, string memory message) internal pure {
        if (left < right) vm.assertGe(left, right, message);
    }

    function assertApproxEqAbs(uint256 left, uint256 right, uint256 maxDelta, string memory message)
        internal
        pure
    {
        vm.assertApproxEqAbs(left, right, maxDelta, message);
    }

    // ------------------------------------------------------------ fuzz inputs

    /// @notice Wraps `x` into [min, max]. A value that is already in the range is kept.
    function bound(uint256 x, uint256 min, uint256 max) internal pure returns (uint256) {
        require(min <= max, "bound: min is greater than max");
        if (min <= x && x <= max) return x;
        return min + x % (max - min + 1);
    }

    /// @notice Wraps a number into the private keys of secp256k1, from 1 to the order less 1.
    function boundPrivateKey(uint256 privateKey) internal pure returns (uint256) {
        return bound(privateKey, 1, 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364140);
    }

    // ------------------------------------------------------------ targets of invariant tests

    /// @notice Lets an invariant test call this contract.
    function targetContract(address target) internal {
        _targetContracts.push(target);
    }

    /// @notice Lets an invariant test call only these functions of a contract.
    function targetSelector(FuzzSelector memory selector) internal {
        _targetSelectors.push(selector);
    }

    /// @notice Keeps an invariant test from calling these functions of a contract.
    function excludeSelector(FuzzSelector memory selector) internal {
        _excludedSelectors.push(selector);
    }

    function targetContracts() public view returns (address[] memory) {
        return _targetContracts;
    }

    function targetSelectors() public view returns (FuzzSelector[] memory) {
        return _targetSelectors;
    }

    function excludeSelectors() public view returns (FuzzSelector[] memory) {
        return _excludedSelectors;
    }
}

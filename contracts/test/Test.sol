// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {StdAssertions} from "forge-std/StdAssertions.sol";
import {StdInvariant} from "forge-std/StdInvariant.sol";
import {StdUtils} from "forge-std/StdUtils.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice The base of every test: the parts of forge-std's `Test` that these tests use. Its other parts
/// (storage, JSON, consoles) would make every build slower.
abstract contract Test is StdAssertions, StdInvariant, StdUtils {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IIdentity} from "../src/IIdentity.sol";
import {IParticipation} from "../src/IParticipation.sol";
import {Signing} from "./Signing.sol";

/// @notice An owner replaces the key of a device. The record of the old key stays with the owner, and the old
/// key can no longer attest.
contract KeyRotationTest is Signing {
    uint256 private constant OWNER = 0xA11CE;

    function test_keyRotation_keepsRecordAndEndsOldKey() public {
        vm.warp(1_800_000_000);
        IIdentity identity = deployIdentity();
        IParticipation participation = deployParticipation(identity);
        address oldDevice = bindDevice(identity, OWNER, 0xD000);
        vm.prank(oldDevice);
        participation.attest(0, 0, "root", "rollouts");

        address newDevice = bindDevice(identity, OWNER, 0xD001);
        vm.prank(vm.addr(OWNER));
        identity.revoke(oldDevice);

        vm.warp(1_800_000_020);
        vm.prank(newDevice);
        participation.attest(0, 1, "root", "rollouts");
        vm.prank(oldDevice);
        vm.expectRevert(
            abi.encodeWithSelector(IParticipation.Refused.selector, IParticipation.Refusal.NoAuthority)
        );
        participation.attest(0, 1, "root", "rollouts");
        assertEq(participation.recordOfOwner(0, vm.addr(OWNER)).attestations, 2, "attestations of both keys");
        assertEq(identity.devicesOf(vm.addr(OWNER)).length, 2, "both keys are listed");
        assertEq(identity.ownerOf(newDevice), vm.addr(OWNER), "the new key acts");
        assertEq(identity.ownerOf(oldDevice), address(0), "the old key does not act");
    }
}
